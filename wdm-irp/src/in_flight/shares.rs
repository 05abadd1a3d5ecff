//! Who is the last to use the memory of a request that nobody may wait for.

use core::sync::atomic::Ordering;

use crate::operation::{AtomicU32, memory, prepare};

/// The handle has left while the request was in flight.
const ABANDONED: u32 = 1;
/// The handle of a request in memory of its own has not left.
const HANDLE: u32 = 2;
/// The slot is a local of `send_scoped`, which waits at its end: no handle abandons it.
const SCOPED: u32 = 4;
/// One routine that has not left. A count: the routine of an earlier round in static memory may
/// still be on its way out.
const ROUTINE: u32 = 8;

/// Which of handle and routine have not left a slot.
///
/// The contents of a slot (context, buffer, IRP, target) belong to whoever waited; if the handle
/// was dropped before, to the last of handle and routine. The memory of a slot with an allocation
/// of its own goes with the last of the two in any case. A static slot is free when its waiter says
/// so, although the routine may not have left.
///
/// Leaving is the last access to the slot, unless the result says that the caller is the last.
/// `AcqRel` each time: whoever is the last sees what the others have done.
#[repr(transparent)]
pub(super) struct Shares(AtomicU32);

impl Shares {
    /// Of a slot without a request.
    pub(super) const fn new() -> Self {
        Self(AtomicU32::new(0))
    }

    /// Of a slot that `send_scoped` waits for.
    pub(super) const fn scoped() -> Self {
        Self(AtomicU32::new(SCOPED))
    }

    /// Returns whether `send_scoped` waits for the slot.
    pub(super) fn is_scoped(&self) -> bool {
        // Relaxed: constant.
        self.0.load(Ordering::Relaxed) & SCOPED != 0
    }

    /// Static slot, before `IofCallDriver`.
    pub(super) fn enter_static(&self) {
        // Not a store: an earlier routine may not have left. Relaxed: whatever hands the IRP to the
        // routine's thread hands this over, too.
        self.0.fetch_add(ROUTINE, Ordering::Relaxed);
    }

    /// Static slot: the handle leaves the contents behind. Whether the caller is the last.
    #[must_use]
    pub(super) fn abandon_static(&self) -> bool {
        self.0.fetch_add(ABANDONED, Ordering::AcqRel) < ROUTINE
    }

    /// Static slot: the routine leaves. Whether the caller is the last, and there are contents.
    #[must_use]
    pub(super) fn routine_leaves_static(&self) -> bool {
        self.0.fetch_sub(ROUTINE, Ordering::AcqRel) == ROUTINE + ABANDONED
    }

    /// Static slot, the last, before the slot is released.
    pub(super) fn reset(&self) {
        // Relaxed: releasing the slot publishes it.
        self.0.store(0, Ordering::Relaxed);
    }

    /// Of memory of its own, with a request that will be sent.
    pub(super) const fn own() -> Self {
        Self(AtomicU32::new(ROUTINE + HANDLE))
    }

    /// Memory of its own, before `IofCallDriver`.
    pub(super) fn enter_own(&self) {
        prepare(&self.0);
        memory::lend(self);
    }

    /// Memory of its own: the handle leaves with the contents. Whether the caller is the last.
    #[must_use]
    pub(super) fn handle_leaves(&self) -> bool {
        self.0.fetch_sub(HANDLE, Ordering::AcqRel) == HANDLE
    }

    /// Memory of its own: the handle leaves the contents behind. Whether the caller is the last.
    #[must_use]
    pub(super) fn abandon(&self) -> bool {
        self.0.fetch_sub(HANDLE - ABANDONED, Ordering::AcqRel) < ROUTINE
    }

    /// Memory of its own: the routine leaves.
    #[must_use]
    pub(super) fn routine_leaves(&self) -> RoutineLeaves {
        let before = self.0.fetch_sub(ROUTINE, Ordering::AcqRel);
        if before & HANDLE != 0 {
            RoutineLeaves::NotLast
        } else if before == ROUTINE {
            RoutineLeaves::Last
        } else {
            RoutineLeaves::LastWithContents
        }
    }

    /// Memory of its own, the last, before it is freed.
    pub(super) fn end(&self) {
        memory::take_back(self);
    }
}

/// What a routine is to do that leaves memory of its own.
pub(super) enum RoutineLeaves {
    /// Nothing: the handle is still there.
    NotLast,
    /// Free the memory: the handle has left with the contents.
    Last,
    /// Drop the contents and free the memory.
    LastWithContents,
}
