//! Events: `KeInitializeEvent` and `KeSetEvent`.

use std::collections::VecDeque;

use wdm_irp::sys::{APC_LEVEL, DISPATCH_LEVEL, KEVENT, NotificationEvent};

use crate::fault::DelayPoint;
use crate::ke::dispatcher::{DISPATCHER, EventAccess, SYNCHRONIZATION_EVENT, release};
use crate::kernel::irps::Owner;
use crate::kernel::{Kernel, this_thread};
use crate::report::kind::ViolationKind;
use crate::report::timeline::{Lane, Step};
use crate::sync::{dispatcher, lock};

impl Kernel {
    /// Returns the IRP that an event belongs to, as [`crate::timeline`] defines it.
    pub(super) fn irp_of_event(&self, address: usize) -> Option<u32> {
        let by_address = {
            let ledger = lock(&self.ledger);
            ledger.events.get(&address).copied().filter(|number| {
                ledger
                    .irps
                    .get(number)
                    .is_some_and(|record| record.owner != Owner::Freed)
            })
        };
        by_address.or_else(|| this_thread::last_irp(self))
    }
}

/// Initializes an event (`KeInitializeEvent`).
///
/// # Safety
/// `event` is writable and nobody else accesses it.
pub(crate) unsafe fn KeInitializeEvent(event: *mut KEVENT, kind: i32, signaled: bool) {
    let kernel = this_thread::kernel();
    let address = event.addr();
    let irp = this_thread::last_irp(&kernel);
    let kind = if kind == NotificationEvent {
        0
    } else {
        SYNCHRONIZATION_EVENT
    };
    // SAFETY: the contract of this function is that of `initialize`.
    let is_waited_on = !unsafe { initialize(event, kind, signaled) };
    if is_waited_on {
        kernel.violate(
            ViolationKind::EventInitializedWhileWaitedOn,
            irp,
            "KeInitializeEvent on an event that a thread waits on",
        );
        return;
    }
    {
        let mut ledger = lock(&kernel.ledger);
        match irp {
            Some(number) => ledger.events.insert(address, number),
            None => ledger.events.remove(&address),
        };
    }
    kernel.note(irp, "KeInitializeEvent");
}

/// Signals an event and returns its state before (`KeSetEvent`).
///
/// # Safety
/// `event` is initialized, and valid until the wait it satisfies returns.
pub(crate) unsafe fn KeSetEvent(event: *mut KEVENT, wait: bool) -> i32 {
    let kernel = this_thread::kernel();
    let irp =
        this_thread::irp_of_running_routine(&kernel).or_else(|| kernel.irp_of_event(event.addr()));
    let irql = this_thread::irql();
    if wait && irql > APC_LEVEL {
        kernel.violate(
            ViolationKind::SetEventWaitAtBadIrql,
            irp,
            "KeSetEvent with Wait TRUE above APC_LEVEL",
        );
    }
    kernel.check_irql(DISPATCH_LEVEL, irp, "KeSetEvent");
    // Recorded before it happens: afterwards the waiter's entries may come first.
    kernel.record(
        irp,
        Step::Call,
        this_thread::lane(),
        Lane::Originator,
        "KeSetEvent",
    );
    // SAFETY: the contract of this function is that of `set`.
    let before = unsafe { set(event) };
    if before.is_none() {
        kernel.violate(
            ViolationKind::EventNotInitialized,
            irp,
            "KeSetEvent on an event that is not initialized",
        );
    }
    kernel.faults.delay_at(DelayPoint::AfterSetEvent);
    before.unwrap_or(0)
}

/// Initializes an event, without the checks; `false` if a thread waits on it.
///
/// # Safety
/// As for [`KeInitializeEvent`].
pub(crate) unsafe fn initialize(event: *mut KEVENT, kind: u8, signaled: bool) -> bool {
    let dispatcher = dispatcher::lock(&DISPATCHER);
    if dispatcher.contains_key(&event.addr()) {
        return false;
    }
    // SAFETY: writable by the caller's contract; the lock is held as long as the value is used.
    let access = unsafe { EventAccess::new(event) };
    access.initialize(kind, i32::from(signaled));
    true
}

/// Signals an event, without the checks, and returns its state before; `None` if this is no event.
///
/// # Safety
/// As for [`KeSetEvent`].
pub(crate) unsafe fn set(event: *mut KEVENT) -> Option<i32> {
    let mut dispatcher = dispatcher::lock(&DISPATCHER);
    // SAFETY: valid by the caller's contract until the wait that it satisfies returns, which needs
    // the lock; that is held as long as the value is used.
    let access = unsafe { EventAccess::new(event) };
    if !access.is_initialized() {
        return None;
    }
    let before = access.state();
    let address = event.addr();
    if access.resets_itself() {
        let waiter = dispatcher.get_mut(&address).and_then(VecDeque::pop_front);
        match &waiter {
            Some(waiter) => release(waiter),
            None => access.set_state(1),
        }
        if dispatcher.get(&address).is_some_and(VecDeque::is_empty) {
            dispatcher.remove(&address);
        }
    } else {
        access.set_state(1);
        for waiter in dispatcher.remove(&address).into_iter().flatten() {
            release(&waiter);
        }
    }
    // From here on the event may be gone.
    Some(before)
}
