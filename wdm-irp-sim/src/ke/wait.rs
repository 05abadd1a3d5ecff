//! Waits that really block: `KeWaitForSingleObject`.

use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use wdm_irp::sys::{
    APC_LEVEL, DISPATCH_LEVEL, KEVENT, NTSTATUS, STATUS_INVALID_PARAMETER, STATUS_SUCCESS,
    STATUS_TIMEOUT,
};

use crate::fault::Point;
use crate::ke::dispatcher::{DISPATCHER, EventAccess, Slot};
use crate::kernel::ledger::Wait;
use crate::kernel::{Inner, this_thread};
use crate::report::names::status_name;
use crate::report::violation::ViolationKind;
use crate::sync::dispatcher::Deadline;
use crate::sync::{Arc, Duration, dispatcher, lock};

/// `KeWaitForSingleObject`
///
/// # Safety
/// `object` is an initialised event that stays valid during the call.
pub(crate) unsafe fn wait(
    object: *mut c_void,
    mode: i8,
    alertable: bool,
    timeout: Option<i64>,
) -> NTSTATUS {
    let machine = this_thread::machine();
    let event = object.cast::<KEVENT>();
    let irp = machine.irp_of_event(event.addr());
    let irql = this_thread::irql();
    machine.note(irp, describe(mode, alertable, timeout));
    if mode != 0 {
        machine.violate(
            ViolationKind::UserModeWait,
            irp,
            "KeWaitForSingleObject with WaitMode UserMode",
        );
    }
    if alertable {
        machine.violate(
            ViolationKind::AlertableWait,
            irp,
            "KeWaitForSingleObject with Alertable TRUE",
        );
    }
    let polls = timeout == Some(0);
    if irql > if polls { DISPATCH_LEVEL } else { APC_LEVEL } {
        machine.violate(
            ViolationKind::WaitAtBadIrql,
            irp,
            &format!("KeWaitForSingleObject at IRQL {irql}"),
        );
    }
    machine.faults.dwell(Point::BeforeWait);
    // SAFETY: by contract.
    let status = unsafe { block(&machine, event, timeout) };
    if status == STATUS_INVALID_PARAMETER {
        machine.violate(
            ViolationKind::EventNotInitialized,
            irp,
            "KeWaitForSingleObject on an event that is not initialised",
        );
    }
    machine.note(
        irp,
        match status {
            STATUS_SUCCESS => "KeWaitForSingleObject satisfied".to_owned(),
            status => format!("KeWaitForSingleObject returned {}", status_name(status)),
        },
    );
    lock(&machine.state).waits.push(Wait {
        irp,
        mode,
        alertable,
        timeout,
        irql,
        status,
    });
    status
}

/// Waits, without the checks. `STATUS_INVALID_PARAMETER`: that is no event.
///
/// # Safety
/// As for [`wait`].
unsafe fn block(machine: &Inner, event: *mut KEVENT, timeout: Option<i64>) -> NTSTATUS {
    let limit = timeout.map_or_else(|| machine.hang_limit(), duration_of);
    let deadline = Deadline::new(limit, timeout.is_some());
    let address = event.addr();
    let mut dispatcher = dispatcher::lock(&DISPATCHER);
    // INVARIANT: valid by contract; the lock is held until the thread parks, and not used after that.
    let access = EventAccess(event);
    if !access.is_initialized() {
        return STATUS_INVALID_PARAMETER;
    }
    if access.state() > 0 {
        if access.resets_itself() {
            access.set_state(0);
        }
        return STATUS_SUCCESS;
    }
    if limit.is_zero() && timeout.is_some() {
        return STATUS_TIMEOUT;
    }
    let slot = Arc::new(Slot {
        satisfied: AtomicBool::new(false),
        wake: dispatcher::Condvar::new(),
    });
    dispatcher
        .entry(address)
        .or_default()
        .push_back(slot.clone());
    loop {
        if slot.satisfied.load(Ordering::Relaxed) {
            return STATUS_SUCCESS;
        }
        if deadline.has_passed() {
            break;
        }
        dispatcher = deadline.wait(&DISPATCHER, &slot.wake, dispatcher);
    }
    if timeout.is_none() {
        drop(dispatcher);
        machine.hang("an event that nobody has signalled (KeWaitForSingleObject for ever)");
    }
    if let Some(waiters) = dispatcher.get_mut(&address) {
        waiters.retain(|other| !Arc::ptr_eq(other, &slot));
        if waiters.is_empty() {
            dispatcher.remove(&address);
        }
    }
    STATUS_TIMEOUT
}

/// A `LARGE_INTEGER` time-out as a duration from now.
fn duration_of(timeout: i64) -> Duration {
    /// 1601 to 1970, in units of 100 ns.
    const UNIX_EPOCH: u64 = 116_444_736_000_000_000;
    let from_ticks =
        |ticks: u64| Duration::from_micros(ticks / 10) + Duration::from_nanos(ticks % 10 * 100);
    if timeout <= 0 {
        return from_ticks(timeout.unsigned_abs());
    }
    let until = from_ticks(timeout.unsigned_abs().saturating_sub(UNIX_EPOCH));
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    until.saturating_sub(now)
}

fn describe(mode: i8, alertable: bool, timeout: Option<i64>) -> String {
    let mode = if mode == 0 { "KernelMode" } else { "UserMode" };
    let alertable = if alertable { ", alertable" } else { "" };
    match timeout {
        None => format!("KeWaitForSingleObject({mode}{alertable}, for ever)"),
        Some(timeout) => format!(
            "KeWaitForSingleObject({mode}{alertable}, {:?})",
            duration_of(timeout)
        ),
    }
}
