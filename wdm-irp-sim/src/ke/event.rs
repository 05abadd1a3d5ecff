//! Events: `KeInitializeEvent` and `KeSetEvent`.

use std::collections::VecDeque;

use wdm_irp::sys::{APC_LEVEL, DISPATCH_LEVEL, KEVENT, NotificationEvent};

use crate::fault::Point;
use crate::ke::dispatcher::{DISPATCHER, EventAccess};
use crate::ke::dispatcher::{SYNCHRONIZATION_EVENT, release};
use crate::kernel::ledger::Standing;
use crate::kernel::{Inner, this_thread};
use crate::report::timeline::{Lane, Step};
use crate::report::violation::ViolationKind;
use crate::sync::{dispatcher, lock};

impl Inner {
    /// The IRP an event belongs to, as [`crate::timeline`] defines it.
    pub(super) fn irp_of_event(&self, address: usize) -> Option<u32> {
        let by_address = {
            let state = lock(&self.state);
            state.events.get(&address).copied().filter(|number| {
                state
                    .irps
                    .get(number)
                    .is_some_and(|record| record.standing != Standing::Freed)
            })
        };
        by_address.or_else(|| this_thread::last_irp(self))
    }
}

/// `KeInitializeEvent`
///
/// # Safety
/// `event` is writable and nobody else accesses it.
pub(crate) unsafe fn initialize(event: *mut KEVENT, kind: i32, signalled: bool) {
    let machine = this_thread::machine();
    let address = event.addr();
    let irp = this_thread::last_irp(&machine);
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
    let machine = this_thread::machine();
    let irp = this_thread::irp_of_running_routine(&machine)
        .or_else(|| machine.irp_of_event(event.addr()));
    let irql = this_thread::irql();
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
        this_thread::lane(),
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
