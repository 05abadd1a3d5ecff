//! The dispatcher lock, the threads that wait, and access to events.
//!
//! As in the kernel, `KeSetEvent` does not touch the event once a waiter may have run, since the
//! event may be on the waiter's stack. Everything happens under the dispatcher lock, which is not
//! part of the event, and a thread that blocks is woken by a [`Waiter`] of its own. A thread
//! that does not block takes the lock, too.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use wdm_irp::sys::KEVENT;

use crate::sync::{Arc, dispatcher, watched};

/// `EVENT_TYPE` of an event that is reset by the wait that it satisfies.
pub(crate) const SYNCHRONIZATION_EVENT: u8 = 1;

/// `DISPATCHER_HEADER.Size` of an event, in units of four bytes.
const SIZE_IN_DWORDS: u8 = {
    let dwords = size_of::<KEVENT>() / 4;
    assert!(dwords == 6);
    6
};

/// One thread that waits.
pub(super) struct Waiter {
    /// Written and read under the dispatcher lock only.
    pub(super) satisfied: AtomicBool,
    pub(super) wake: dispatcher::Condvar,
}

/// The waiting threads by the address of their event, in the order of their arrival.
type Database = BTreeMap<usize, VecDeque<Arc<Waiter>>>;

/// The dispatcher database.
#[cfg(not(loom))]
pub(super) static DISPATCHER: dispatcher::Mutex<Database> = dispatcher::Mutex::new(BTreeMap::new());

#[cfg(loom)]
loom::lazy_static! {
    pub(super) static ref DISPATCHER: dispatcher::Mutex<Database> = dispatcher::Mutex::new(BTreeMap::new());
}

/// An event that the holder of the dispatcher lock may access now.
///
/// # Invariants
/// 1. `0` is readable and writable as a `KEVENT` as long as a copy of this value is used.
/// 2. The dispatcher lock is held meanwhile, without which nobody accesses the event.
#[derive(Clone, Copy)]
pub(super) struct EventAccess(*mut KEVENT);

impl EventAccess {
    /// Vouches for an event.
    ///
    /// # Safety
    /// The invariants of this type hold as long as the result or a copy of it is used.
    pub(super) const unsafe fn new(event: *mut KEVENT) -> Self {
        // INVARIANT: 1 and 2 by the caller's contract.
        Self(event)
    }

    /// Returns the address, for an access now.
    fn event(self) -> *mut KEVENT {
        #[cfg(loom)]
        wdm_irp::__memory::touch(self.0.addr());
        watched::share(self.0.addr());
        self.0
    }

    /// Returns the address of the first four bytes; byte 0 is `Type`, byte 2 is `Size`.
    fn header(self) -> *mut [u8; 4] {
        self.event().cast()
    }

    pub(super) fn is_initialized(self) -> bool {
        // SAFETY: the event is readable, and the lock keeps writers away (invariants 1 and 2).
        let [kind, _, size, _] = unsafe { self.header().read() };
        size == SIZE_IN_DWORDS && kind <= SYNCHRONIZATION_EVENT
    }

    pub(super) fn resets_itself(self) -> bool {
        // SAFETY: the event is readable, and the lock keeps writers away (invariants 1 and 2).
        let [kind, ..] = unsafe { self.header().read() };
        kind == SYNCHRONIZATION_EVENT
    }

    pub(super) fn state(self) -> i32 {
        // SAFETY: the event is readable, and the lock keeps writers away (invariants 1 and 2).
        unsafe { (*self.event()).Header.SignalState }
    }

    pub(super) fn set_state(self, state: i32) {
        // SAFETY: the event is writable, and the lock keeps others away (invariants 1 and 2).
        unsafe { (*self.event()).Header.SignalState = state };
    }

    pub(super) fn initialize(self, kind: u8, state: i32) {
        // SAFETY: the event is writable, and the lock keeps others away (invariants 1 and 2).
        unsafe { self.header().write([kind, 0, SIZE_IN_DWORDS, 0]) };
        self.set_state(state);
        // SAFETY: the event is writable, and the lock keeps others away (invariants 1 and 2).
        let list = unsafe { &mut (*self.event()).Header.WaitListHead };
        // An empty list points to itself.
        let links = &raw mut *list;
        list.Flink = links;
        list.Blink = links;
    }
}

/// Returns whether a thread waits on an event in this memory.
///
/// Loom's models do not ask: the lock would order the threads that they look for.
pub(crate) fn is_waited_on_in(memory: &Range<usize>) -> bool {
    !cfg!(loom)
        && dispatcher::lock(&DISPATCHER)
            .range(memory.clone())
            .next()
            .is_some()
}

#[cfg(test)]
pub(crate) fn waiters(event: *mut KEVENT) -> usize {
    dispatcher::lock(&DISPATCHER)
        .get(&event.addr())
        .map_or(0, VecDeque::len)
}

/// Ends the wait of a thread; the dispatcher lock is held.
pub(super) fn release(waiter: &Waiter) {
    waiter.satisfied.store(true, Ordering::Relaxed);
    waiter.wake.notify_one();
}
