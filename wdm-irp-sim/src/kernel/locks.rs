//! The ledger's pages about remove locks and run-down protection.
//!
//! The kernel does not own their memory, and is not told when it is freed. A test that frees some
//! and uses it again says so (`MachineHandle::memory_freed`).

use wdm_irp::sys::KEVENT;

/// The ledger's page about one remove lock.
#[derive(Default)]
pub(crate) struct RemoveLockRecord {
    /// The tags it is acquired with.
    pub(crate) tags: Vec<usize>,
    /// Whether a thread waits, or has waited, for the removal.
    pub(crate) removal_begun: bool,
}

/// The ledger's page about one `EX_RUNDOWN_REF`.
#[derive(Default)]
pub(crate) struct RundownRecord {
    /// How often it is acquired.
    pub(crate) accesses: usize,
    /// The event of the thread that waits for the last release.
    pub(crate) waiter: Option<WaitersEvent>,
}

/// An event on the stack of a thread that waits for it.
pub(crate) struct WaitersEvent(pub(crate) *mut KEVENT);

// SAFETY: an event belongs to no thread: any may signal it.
unsafe impl Send for WaitersEvent {}
