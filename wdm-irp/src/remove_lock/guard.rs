//! Acquisitions, and the wait for their end.

use core::ffi::c_void;
use core::fmt;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ptr::NonNull;

use super::error::RemoveLockError;
use super::lock::{REMLOCK_SIZE, RemoveLock};
use super::tags::Tag;
use crate::irql::AtPassive;
use crate::lock_storage::InExtension;
use crate::sys::{self, IO_REMOVE_LOCK, NT_SUCCESS};

impl RemoveLock {
    /// Acquires the lock for one operation (`IoAcquireRemoveLock`). IRQL <= `DISPATCH_LEVEL`.
    ///
    /// # Errors
    /// The device is being removed.
    pub fn acquire(&self, tag: Tag) -> Result<RemoveLockGuard<'_>, RemoveLockError> {
        // SAFETY: the guard borrows the lock, so it does not outlive it.
        unsafe { RemoveLockGuard::acquire(self, tag) }
    }
}

impl InExtension<RemoveLock> {
    /// Acquires the lock for one operation, which may outlive the call (`IoAcquireRemoveLock`).
    /// IRQL <= `DISPATCH_LEVEL`.
    ///
    /// # Errors
    /// The device is being removed.
    pub fn acquire(&self, tag: Tag) -> Result<RemoveLockGuard<'static>, RemoveLockError> {
        // SAFETY: the memory stays until the guard has been dropped (invariant 2 of `InExtension`).
        unsafe { RemoveLockGuard::acquire(self, tag) }
    }
}

/// One acquisition of a [`RemoveLock`]; dropping it releases the lock (`IoReleaseRemoveLock`) at
/// IRQL <= `DISPATCH_LEVEL`, on any thread.
///
/// # Invariants
/// 1. `lock` is acquired with `tag`, for this guard alone.
/// 2. The lock's memory stays until the guard has been dropped: it is borrowed for `'a`, or by
///    invariant 2 of [`InExtension`].
#[must_use = "the remove lock is released when this is dropped"]
pub struct RemoveLockGuard<'a> {
    // No reference: the memory may be gone when the release returns.
    lock: NonNull<RemoveLock>,
    tag: Tag,
    _borrow: PhantomData<&'a RemoveLock>,
}

// SAFETY: any thread may release a remove lock; who acquired it does not matter.
unsafe impl Send for RemoveLockGuard<'_> {}
// SAFETY: shared access reads the tag.
unsafe impl Sync for RemoveLockGuard<'_> {}

impl RemoveLockGuard<'_> {
    /// Acquires a lock for a guard of any lifetime.
    ///
    /// # Safety
    /// The lock's memory stays until the guard has been dropped.
    unsafe fn acquire(lock: &RemoveLock, tag: Tag) -> Result<Self, RemoveLockError> {
        lock.count_guard()?;
        let file = c"".as_ptr().cast();
        // SAFETY: the lock is initialized (invariant 1 of `RemoveLock`); the string ends with a
        // zero, and the size is that of the structure.
        let status = unsafe {
            sys::IoAcquireRemoveLockEx(lock.as_ptr(), tag.as_ptr(), file, 1, REMLOCK_SIZE)
        };
        if !NT_SUCCESS(status) {
            lock.forget_guard();
            return Err(RemoveLockError::DeletePending);
        }
        // INVARIANT: 1 by the call above, 2 by contract.
        Ok(Self {
            lock: NonNull::from(lock),
            tag,
            _borrow: PhantomData,
        })
    }

    /// Returns the tag that the lock was acquired with. Any IRQL.
    #[must_use]
    pub const fn tag(&self) -> Tag {
        self.tag
    }

    /// Releases the lock and waits until all other guards have been dropped
    /// (`IoReleaseRemoveLockAndWait`). IRQL = `PASSIVE_LEVEL`.
    ///
    /// From now on [`RemoveLock::acquire`] fails. Call it in `IRP_MN_REMOVE_DEVICE`, after the IRP
    /// has been passed down and before `IoDetachDevice` and `IoDeleteDevice` (rules
    /// `RemoveLockMnRemove`, `IoReleaseRemoveLockAndWaitOutsideRemoveDevice`). The wait has no
    /// limit, and lasts forever if a guard has been leaked or is this thread's own.
    ///
    /// # Errors
    /// The guard, if another one has been used for this before: a removal waits once.
    pub fn release_and_wait(self, _at: impl AtPassive) -> Result<(), Self> {
        // SAFETY: the memory is valid as long as the guard exists (invariant 2).
        let lock = unsafe { self.lock.as_ref() };
        if !lock.begin_removal() {
            return Err(self);
        }
        ManuallyDrop::new(self).release(|lock, tag| {
            // SAFETY: acquired with the tag (`release`); `begin_removal` lets one caller get here.
            unsafe { sys::IoReleaseRemoveLockAndWaitEx(lock, tag, REMLOCK_SIZE) };
        });
        Ok(())
    }

    /// Gives the acquisition to `release`, which gets the lock and the tag that it is acquired
    /// with, and after which the lock is not accessed. Call it once.
    fn release(&mut self, release: impl FnOnce(*mut IO_REMOVE_LOCK, *mut c_void)) {
        // SAFETY: the memory is valid as long as the guard exists (invariant 2).
        let lock = unsafe { self.lock.as_ref() };
        // INVARIANT: 2 of `RemoveLock`, the release begins here.
        lock.forget_guard();
        release(lock.as_ptr(), self.tag.as_ptr());
    }
}

impl Drop for RemoveLockGuard<'_> {
    fn drop(&mut self) {
        self.release(|lock, tag| {
            // SAFETY: acquired with the tag, for this guard alone (invariant 1), which ends here.
            unsafe { sys::IoReleaseRemoveLockEx(lock, tag, REMLOCK_SIZE) };
        });
    }
}

impl fmt::Debug for RemoveLockGuard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoveLockGuard")
            .field("tag", &self.tag)
            .finish_non_exhaustive()
    }
}
