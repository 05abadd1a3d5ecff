//! A counted reference to an object of the object manager.

use core::fmt;
use core::ptr::NonNull;

use crate::sys;

/// Keeps an object: its memory stays, and its driver's image.
///
/// # Invariants
/// 1. One reference of the object is this value's.
pub(super) struct Reference<O>(NonNull<O>);

impl<O> Reference<O> {
    /// Takes a new reference (`ObReferenceObject`).
    ///
    /// # Safety
    /// `object` is a device or file object that exists.
    pub(super) unsafe fn new(object: NonNull<O>) -> Self {
        // SAFETY: an object that exists, by contract.
        unsafe { sys::ObfReferenceObject(object.as_ptr().cast()) };
        // INVARIANT: 1 by the call above.
        Self(object)
    }

    /// Takes over a reference that a kernel function has returned.
    ///
    /// # Safety
    /// One reference of `object` is the caller's, who gives it away.
    pub(super) const unsafe fn adopt(object: NonNull<O>) -> Self {
        // INVARIANT: 1 by contract.
        Self(object)
    }

    /// Returns the object.
    #[inline]
    pub(super) const fn get(&self) -> NonNull<O> {
        self.0
    }
}

impl<O> Clone for Reference<O> {
    fn clone(&self) -> Self {
        // SAFETY: the object exists as long as this reference (invariant 1).
        unsafe { Self::new(self.0) }
    }
}

impl<O> Drop for Reference<O> {
    fn drop(&mut self) {
        // An object is deleted at PASSIVE_LEVEL, by a worker thread if this was the last reference:
        // this may be a completion routine.
        // SAFETY: this value's own reference (invariant 1), which ends here; IRQL <=
        // DISPATCH_LEVEL, as for all of the library.
        unsafe { sys::ObDereferenceObjectDeferDelete(self.0.as_ptr().cast()) };
    }
}

// SAFETY: an object's references belong to no thread.
unsafe impl<O> Send for Reference<O> {}
// SAFETY: shared access copies the address.
unsafe impl<O> Sync for Reference<O> {}

impl<O> fmt::Debug for Reference<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
