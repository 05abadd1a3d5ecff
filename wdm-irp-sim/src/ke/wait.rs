//! Waits that really block: `KeWaitForSingleObject`.

use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use wdm_irp::sys::{
    APC_LEVEL, DISPATCH_LEVEL, KEVENT, NTSTATUS, STATUS_INVALID_PARAMETER, STATUS_SUCCESS,
    STATUS_TIMEOUT,
};

use crate::fault::DelayPoint;
use crate::ke::dispatcher::{DISPATCHER, EventAccess, Waiter};
use crate::kernel::ledger::Wait;
use crate::kernel::{Kernel, this_thread};
use crate::report::kind::ViolationKind;
use crate::report::names::status_name;
use crate::sync::dispatcher::Deadline;
use crate::sync::{Arc, Duration, dispatcher, lock};

/// Waits for an event (`KeWaitForSingleObject`).
///
/// # Safety
/// `object` is an initialized event that stays valid during the call.
pub(crate) unsafe fn KeWaitForSingleObject(
    object: *mut c_void,
    mode: i8,
    alertable: bool,
    timeout: Option<i64>,
) -> NTSTATUS {
    let kernel = this_thread::kernel();
    let event = object.cast::<KEVENT>();
    let irp = kernel.irp_of_event(event.addr());
    let irql = this_thread::irql();
    kernel.note(irp, describe(mode, alertable, timeout));
    if mode != 0 {
        kernel.violate(
            ViolationKind::UserModeWait,
            irp,
            "KeWaitForSingleObject with WaitMode UserMode",
        );
    }
    if alertable {
        kernel.violate(
            ViolationKind::AlertableWait,
            irp,
            "KeWaitForSingleObject with Alertable TRUE",
        );
    }
    let polls = timeout == Some(0);
    if irql > if polls { DISPATCH_LEVEL } else { APC_LEVEL } {
        kernel.violate(
            ViolationKind::WaitAtBadIrql,
            irp,
            &format!("KeWaitForSingleObject at IRQL {irql}"),
        );
    }
    kernel.faults.delay_at(DelayPoint::BeforeWait);
    // SAFETY: the contract of this function is that of `block`.
    let status = unsafe { block(&kernel, event, timeout, FOREVER) };
    if status == STATUS_INVALID_PARAMETER {
        kernel.violate(
            ViolationKind::EventNotInitialized,
            irp,
            "KeWaitForSingleObject on an event that is not initialized",
        );
    }
    kernel.note(
        irp,
        match status {
            STATUS_SUCCESS => "KeWaitForSingleObject satisfied".to_owned(),
            status => format!("KeWaitForSingleObject returned {}", status_name(status)),
        },
    );
    lock(&kernel.ledger).waits.push(Wait {
        irp,
        mode,
        alertable,
        timeout,
        irql,
        status,
    });
    status
}

/// What a thread waits for that waits forever.
const FOREVER: &str = "an event that nobody has signaled (KeWaitForSingleObject forever)";

/// Waits, without the checks; `STATUS_INVALID_PARAMETER` says that this is no event. If the wait
/// has no limit and hangs, it was for `what`.
///
/// # Safety
/// As for [`KeWaitForSingleObject`].
pub(crate) unsafe fn block(
    kernel: &Kernel,
    event: *mut KEVENT,
    timeout: Option<i64>,
    what: &str,
) -> NTSTATUS {
    let limit = timeout.map_or_else(|| kernel.hang_limit(), duration_of);
    let deadline = Deadline::new(limit, timeout.is_some());
    let address = event.addr();
    let mut dispatcher = dispatcher::lock(&DISPATCHER);
    // SAFETY: valid by the caller's contract; the lock is held until the thread parks, and the
    // value is not used after that.
    let access = unsafe { EventAccess::new(event) };
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
    let waiter = Arc::new(Waiter {
        satisfied: AtomicBool::new(false),
        wake: dispatcher::Condvar::new(),
    });
    dispatcher
        .entry(address)
        .or_default()
        .push_back(waiter.clone());
    loop {
        if waiter.satisfied.load(Ordering::Relaxed) {
            return STATUS_SUCCESS;
        }
        if deadline.has_passed() {
            break;
        }
        dispatcher = deadline.wait(&DISPATCHER, &waiter.wake, dispatcher);
    }
    if timeout.is_none() {
        drop(dispatcher);
        kernel.hang(what);
    }
    if let Some(waiters) = dispatcher.get_mut(&address) {
        waiters.retain(|other| !Arc::ptr_eq(other, &waiter));
        if waiters.is_empty() {
            dispatcher.remove(&address);
        }
    }
    STATUS_TIMEOUT
}

/// Converts a `LARGE_INTEGER` time-out to a duration from now.
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
        None => format!("KeWaitForSingleObject({mode}{alertable}, forever)"),
        Some(timeout) => format!(
            "KeWaitForSingleObject({mode}{alertable}, {:?})",
            duration_of(timeout)
        ),
    }
}
