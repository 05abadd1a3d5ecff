//! Kernel events: waits that really block, on one dispatcher lock.
//!
//! As in the kernel, `KeSetEvent` does not touch the event once a waiter may have run, since the event may be on the
//! waiter's stack: everything happens under the dispatcher lock, which is not part of the event, and a waiter that
//! blocks is woken through a slot of its own. A waiter that does not block takes the lock, too.

use std::collections::{BTreeMap, VecDeque};
use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use wdm_irp::sys::{
    APC_LEVEL, DISPATCH_LEVEL, KEVENT, NTSTATUS, NotificationEvent, STATUS_INVALID_PARAMETER,
    STATUS_SUCCESS, STATUS_TIMEOUT,
};

use crate::context;
use crate::fault::Point;
use crate::irql;
use crate::machine::{Inner, Standing};
use crate::names::status_name;
use crate::sync::dispatcher::{self, Deadline};
use crate::sync::{Arc, Duration, lock};
use crate::timeline::{Lane, Step};
use crate::violation::ViolationKind;

/// `EVENT_TYPE` of an event that is reset by the wait that it satisfies.
const SYNCHRONIZATION_EVENT: u8 = 1;
/// `DISPATCHER_HEADER.Size` of an event, in units of four bytes.
const SIZE_IN_DWORDS: u8 = {
    let dwords = size_of::<KEVENT>() / 4;
    assert!(dwords == 6);
    6
};

/// One finished call of `KeWaitForSingleObject`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Wait {
    /// The IRP it was for.
    pub irp: Option<u32>,
    /// `KernelMode` (0) or `UserMode` (1).
    pub mode: i8,
    /// `Alertable`
    pub alertable: bool,
    /// The time-out in units of 100 ns, relative if negative; `None` for ever.
    pub timeout: Option<i64>,
    /// The IRQL of the thread.
    pub irql: u8,
    /// How it ended.
    pub status: NTSTATUS,
}

/// Where one thread is parked.
struct Slot {
    /// Written and read under the dispatcher lock only.
    satisfied: AtomicBool,
    wake: dispatcher::Condvar,
}

/// The waiting threads by the address of their event, in the order of their arrival.
type Database = BTreeMap<usize, VecDeque<Arc<Slot>>>;

/// The dispatcher database.
#[cfg(not(loom))]
static DISPATCHER: dispatcher::Mutex<Database> = dispatcher::Mutex::new(BTreeMap::new());
#[cfg(loom)]
loom::lazy_static! {
    static ref DISPATCHER: dispatcher::Mutex<Database> = dispatcher::Mutex::new(BTreeMap::new());
}

/// An event whose memory may be accessed while the dispatcher lock is held.
///
/// # Invariants
/// `0` is readable and writable as a `KEVENT`, and the dispatcher lock is held.
#[derive(Clone, Copy)]
struct EventAccess(*mut KEVENT);

impl EventAccess {
    /// The event, for an access now.
    fn event(self) -> *mut KEVENT {
        #[cfg(loom)]
        wdm_irp::__memory::touch(self.0.addr());
        self.0
    }

    /// `DISPATCHER_HEADER.Type` and `Size`: the first and third byte.
    fn header_byte(self, index: usize) -> *mut u8 {
        self.event().cast::<u8>().wrapping_add(index)
    }

    fn is_initialized(self) -> bool {
        // SAFETY: by the type's invariant.
        let size = unsafe { self.header_byte(2).read() };
        // SAFETY: as above.
        let kind = unsafe { self.header_byte(0).read() };
        size == SIZE_IN_DWORDS && kind <= SYNCHRONIZATION_EVENT
    }

    fn resets_itself(self) -> bool {
        // SAFETY: by the type's invariant.
        let kind = unsafe { self.header_byte(0).read() };
        kind == SYNCHRONIZATION_EVENT
    }

    fn state(self) -> i32 {
        // SAFETY: by the type's invariant.
        unsafe { (*self.event()).Header.SignalState }
    }

    fn set_state(self, state: i32) {
        // SAFETY: by the type's invariant.
        unsafe { (*self.event()).Header.SignalState = state };
    }

    fn initialize(self, kind: u8, state: i32) {
        // SAFETY: by the type's invariant.
        unsafe { self.header_byte(0).write(kind) };
        // SAFETY: as above.
        unsafe { self.header_byte(1).write(0) };
        // SAFETY: as above.
        unsafe { self.header_byte(2).write(SIZE_IN_DWORDS) };
        // SAFETY: as above.
        unsafe { self.header_byte(3).write(0) };
        self.set_state(state);
        // SAFETY: as above.
        let links = unsafe { &raw mut (*self.event()).Header.WaitListHead };
        // SAFETY: as above; an empty list points to itself.
        unsafe { (*links).Flink = links };
        // SAFETY: as above.
        unsafe { (*links).Blink = links };
    }
}

impl Inner {
    /// The IRP an event belongs to, as [`crate::timeline`] defines it.
    fn irp_of_event(&self, address: usize) -> Option<u32> {
        let by_address = {
            let state = lock(&self.state);
            state.events.get(&address).copied().filter(|number| {
                state
                    .irps
                    .get(number)
                    .is_some_and(|record| record.standing != Standing::Freed)
            })
        };
        by_address.or_else(|| context::last_irp(self))
    }
}

/// How many threads wait for the event.
#[cfg(test)]
pub(crate) fn waiters(event: *mut KEVENT) -> usize {
    dispatcher::lock(&DISPATCHER)
        .get(&event.addr())
        .map_or(0, VecDeque::len)
}

/// `KeInitializeEvent`
///
/// # Safety
/// `event` is writable and nobody else accesses it.
pub(crate) unsafe fn initialize(event: *mut KEVENT, kind: i32, signalled: bool) {
    let machine = context::current();
    let address = event.addr();
    let irp = context::last_irp(&machine);
    let is_waited_on = {
        let dispatcher = dispatcher::lock(&DISPATCHER);
        let busy = dispatcher.contains_key(&address);
        if !busy {
            let kind = if kind == NotificationEvent {
                0
            } else {
                SYNCHRONIZATION_EVENT
            };
            // INVARIANT: writable by contract; the lock is held.
            EventAccess(event).initialize(kind, i32::from(signalled));
        }
        busy
    };
    if is_waited_on {
        machine.violate(
            ViolationKind::EventInitializedWhileWaitedOn,
            irp,
            "KeInitializeEvent on an event that a thread waits on",
        );
        return;
    }
    {
        let mut state = lock(&machine.state);
        match irp {
            Some(number) => state.events.insert(address, number),
            None => state.events.remove(&address),
        };
    }
    machine.note(irp, "KeInitializeEvent");
}

/// `KeSetEvent`
///
/// # Safety
/// `event` is initialised, and valid until the wait it satisfies returns.
pub(crate) unsafe fn set(event: *mut KEVENT, wait: bool) -> i32 {
    let machine = context::current();
    let irp =
        context::irp_of_running_routine(&machine).or_else(|| machine.irp_of_event(event.addr()));
    let irql = irql::current();
    if wait && irql > APC_LEVEL {
        machine.violate(
            ViolationKind::SetEventWaitAtBadIrql,
            irp,
            "KeSetEvent with Wait TRUE above APC_LEVEL",
        );
    }
    machine.check_irql(DISPATCH_LEVEL, irp, "KeSetEvent");
    // Recorded before it happens: afterwards the waiter's entries may come first.
    machine.record(
        irp,
        Step::Call,
        context::lane(),
        Lane::Originator,
        "KeSetEvent",
    );
    let before = {
        let mut dispatcher = dispatcher::lock(&DISPATCHER);
        // INVARIANT: valid by contract; the lock is held.
        let access = EventAccess(event);
        if access.is_initialized() {
            let before = access.state();
            let address = event.addr();
            if access.resets_itself() {
                let waiter = dispatcher.get_mut(&address).and_then(VecDeque::pop_front);
                match &waiter {
                    Some(slot) => release(slot),
                    None => access.set_state(1),
                }
                if dispatcher.get(&address).is_some_and(VecDeque::is_empty) {
                    dispatcher.remove(&address);
                }
            } else {
                access.set_state(1);
                for slot in dispatcher.remove(&address).into_iter().flatten() {
                    release(&slot);
                }
            }
            Some(before)
        } else {
            None
        }
        // From here on the event may be gone.
    };
    if before.is_none() {
        machine.violate(
            ViolationKind::EventNotInitialized,
            irp,
            "KeSetEvent on an event that is not initialised",
        );
    }
    machine.faults.dwell(Point::AfterSetEvent);
    before.unwrap_or(0)
}

/// Lets a waiter go. The dispatcher lock is held.
fn release(slot: &Slot) {
    slot.satisfied.store(true, Ordering::Relaxed);
    slot.wake.notify_one();
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
    let machine = context::current();
    let event = object.cast::<KEVENT>();
    let irp = machine.irp_of_event(event.addr());
    let irql = irql::current();
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
