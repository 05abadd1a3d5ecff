//! The dispatcher lock, and events behind it.
//!
//! As in the kernel, `KeSetEvent` does not touch the event once a waiter may have run, since the event may be on the
//! waiter's stack: everything happens under the dispatcher lock, which is not part of the event, and a waiter that
//! blocks is woken through a slot of its own. A waiter that does not block takes the lock, too.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};

use wdm_irp::sys::KEVENT;

use crate::sync::{Arc, dispatcher};

/// `EVENT_TYPE` of an event that is reset by the wait that it satisfies.
pub(super) const SYNCHRONIZATION_EVENT: u8 = 1;

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

/// An event whose memory may be accessed while the dispatcher lock is held.
///
/// # Invariants
/// `0` is readable and writable as a `KEVENT`, and the dispatcher lock is held.
#[derive(Clone, Copy)]
pub(super) struct EventAccess(pub(super) *mut KEVENT);

impl EventAccess {
    /// Returns the address, for an access now.
    fn event(self) -> *mut KEVENT {
        #[cfg(loom)]
        wdm_irp::__memory::touch(self.0.addr());
        self.0
    }

    /// Returns the address of a byte of the header; `Type` is byte 0, `Size` is byte 2.
    fn header_byte(self, index: usize) -> *mut u8 {
        self.event().cast::<u8>().wrapping_add(index)
    }

    pub(super) fn is_initialized(self) -> bool {
        // SAFETY: by the type's invariant.
        let size = unsafe { self.header_byte(2).read() };
        // SAFETY: as above.
        let kind = unsafe { self.header_byte(0).read() };
        size == SIZE_IN_DWORDS && kind <= SYNCHRONIZATION_EVENT
    }

    pub(super) fn resets_itself(self) -> bool {
        // SAFETY: by the type's invariant.
        let kind = unsafe { self.header_byte(0).read() };
        kind == SYNCHRONIZATION_EVENT
    }

    pub(super) fn state(self) -> i32 {
        // SAFETY: by the type's invariant.
        unsafe { (*self.event()).Header.SignalState }
    }

    pub(super) fn set_state(self, state: i32) {
        // SAFETY: by the type's invariant.
        unsafe { (*self.event()).Header.SignalState = state };
    }

    pub(super) fn initialize(self, kind: u8, state: i32) {
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

/// Returns how many threads wait for the event.
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
