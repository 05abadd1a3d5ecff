//! The memory of a request in flight on the heap.

use core::alloc::Layout;
use core::ptr::NonNull;

use super::slot::{Slot, Storage, sealed};
use crate::routine::CompletionRoutine;

/// A slot on the heap, freed when its request is through.
///
/// # Invariants
/// `slot` is a `Box::into_raw`-like allocation of this value, whose contents are only shared.
pub struct BoxedSlot<R: CompletionRoutine, B> {
    slot: NonNull<Slot<R, B>>,
}

impl<R: CompletionRoutine, B> BoxedSlot<R, B> {
    /// An empty slot, or `None` if there is no memory: kernel code must survive that.
    pub(crate) fn new() -> Option<Self> {
        const { assert!(size_of::<Slot<R, B>>() != 0) };
        // SAFETY: the layout's size is not zero.
        let memory = unsafe { alloc::alloc::alloc(Layout::new::<Slot<R, B>>()) };
        let slot = NonNull::new(memory.cast::<Slot<R, B>>())?;
        // SAFETY: freshly allocated for this type.
        unsafe { slot.write(Slot::new()) };
        // INVARIANT: as written.
        Some(Self { slot })
    }
}

impl<R: CompletionRoutine, B> Drop for BoxedSlot<R, B> {
    fn drop(&mut self) {
        // A slot has no drop glue of its own; it is empty here, since `InFlight` sees to that.
        // SAFETY: allocated in `new` with this layout.
        unsafe {
            alloc::alloc::dealloc(self.slot.as_ptr().cast(), Layout::new::<Slot<R, B>>());
        }
    }
}

impl<R: CompletionRoutine, B> sealed::Sealed for BoxedSlot<R, B> {}
impl<R: CompletionRoutine, B> Storage for BoxedSlot<R, B> {
    type Routine = R;
    type Buffer = B;
    fn slot(&self) -> &Slot<R, B> {
        // SAFETY: valid and only shared (invariant).
        unsafe { self.slot.as_ref() }
    }
}

// SAFETY: owns a `Slot`, which may be sent.
unsafe impl<R: CompletionRoutine, B: Send> Send for BoxedSlot<R, B> {}
// SAFETY: gives shared access to a `Slot`, which may be shared.
unsafe impl<R: CompletionRoutine, B: Send> Sync for BoxedSlot<R, B> {}
