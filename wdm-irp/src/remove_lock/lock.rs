//! The lock, initialized in place.

use core::cell::UnsafeCell;
use core::fmt;
use core::marker::PhantomPinned;
use core::mem::MaybeUninit;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use super::error::RemoveLockError;
use super::tags::AllocationTag;
use crate::irql::AtPassive;
use crate::lock_storage::{InExtension, InStatic};
use crate::sys::{self, IO_REMOVE_LOCK};

/// `RemlockSize`: tells the kernel that this is the free build's lock.
pub(super) const REMLOCK_SIZE: u32 = 32;
const _: () = assert!(size_of::<IO_REMOVE_LOCK>() == 32);

/// The most guards there may be at a time. The kernel's count is a `LONG` that nobody checks; if
/// leaked guards could wrap it, a removal would not wait for those that are in use.
const MOST_GUARDS: u32 = 1 << 30;

/// An initialized remove lock.
///
/// Code at IRQL <= `DISPATCH_LEVEL` may acquire it; interrupt service routines may not.
///
/// # Invariants
/// 1. Whoever has a reference to it has one to a lock that was initialized in place, once, and does
///    not move any more. Nobody has an exclusive reference.
/// 2. `guards` counts the guards that have not begun their release; there are at most
///    `MOST_GUARDS`.
/// 3. `removal_begun` is set before the only call of `IoReleaseRemoveLockAndWaitEx`.
pub struct RemoveLock {
    lock: UnsafeCell<MaybeUninit<IO_REMOVE_LOCK>>,
    guards: AtomicU32,
    removal_begun: AtomicBool,
    _does_not_move: PhantomPinned,
}

// SAFETY: a remove lock belongs to no thread.
unsafe impl Send for RemoveLock {}
// SAFETY: the functions of the I/O manager synchronize their accesses to `lock`, and nothing else
// accesses it; the rest are atomics.
unsafe impl Sync for RemoveLock {}

impl RemoveLock {
    /// Initializes a remove lock in place (`IoInitializeRemoveLock`), in memory that is borrowed
    /// for `'a`.
    ///
    /// For a device extension, see [`InExtension`]; for a `static`, [`InStatic`].
    ///
    /// # Safety
    /// - `memory` is aligned, writable, resident, and nobody else accesses it during the call.
    /// - There never was a remove lock in this memory since it was allocated.
    /// - It stays valid for `'a`. From now on nobody moves the lock nor gets an exclusive reference
    ///   to it.
    pub unsafe fn initialize<'a>(
        memory: *mut Self,
        tag: AllocationTag,
        _at: impl AtPassive,
    ) -> &'a Self {
        let new = Self {
            lock: UnsafeCell::new(MaybeUninit::uninit()),
            guards: AtomicU32::new(0),
            removal_begun: AtomicBool::new(false),
            _does_not_move: PhantomPinned,
        };
        // SAFETY: `memory` is aligned, writable and not accessed by others, by contract.
        unsafe { memory.write(new) };
        // SAFETY: written in the line above, and valid for `'a` by contract.
        let this = unsafe { &*memory };
        // SAFETY: the lock is writable, resident, new, and does not move, by contract; the tag is
        // not zero by its type, and the size is that of the structure.
        unsafe { sys::IoInitializeRemoveLockEx(this.as_ptr(), tag.get(), 0, 0, REMLOCK_SIZE) };
        // INVARIANT: 1 by the line above and by contract; 2 and 3, as there is no guard yet.
        this
    }

    /// Returns the address of the lock as the I/O manager knows it.
    pub(super) const fn as_ptr(&self) -> *mut IO_REMOVE_LOCK {
        self.lock.get().cast()
    }

    /// Returns whether the caller is the first that waits for the removal, for which there is one
    /// call of `IoReleaseRemoveLockAndWaitEx`.
    pub(super) fn begin_removal(&self) -> bool {
        // Relaxed: the swap chooses one of those who get here, and orders nothing.
        !self.removal_begun.swap(true, Ordering::Relaxed)
    }

    /// Counts a guard, unless there are too many.
    pub(super) fn count_guard(&self) -> Result<(), RemoveLockError> {
        // Relaxed: the count guards no memory.
        if self.guards.fetch_add(1, Ordering::Relaxed) < MOST_GUARDS {
            return Ok(());
        }
        self.forget_guard();
        Err(RemoveLockError::TooManyGuards)
    }

    /// Takes a guard out of the count, before its release.
    pub(super) fn forget_guard(&self) {
        self.guards.fetch_sub(1, Ordering::Relaxed);
    }
}

impl fmt::Debug for RemoveLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoveLock")
            .field("removal_begun", &self.removal_begun.load(Ordering::Relaxed))
            .finish_non_exhaustive()
    }
}

impl InStatic<RemoveLock> {
    /// Initializes the lock (`IoInitializeRemoveLock`), or returns `None` if that has been done.
    pub fn initialize(
        &'static self,
        tag: AllocationTag,
        at: impl AtPassive,
    ) -> Option<&'static RemoveLock> {
        let initialize = |memory| {
            // SAFETY: a static is aligned, writable and resident; it is accessed by one thread as
            // long as it is not ready, initialized at most once, and never moves (invariants 1 and
            // 3 of `InStatic`).
            unsafe { RemoveLock::initialize(memory, tag, at) };
        };
        // SAFETY: `RemoveLock::initialize` has initialized the lock, in memory that is static.
        unsafe { self.initialize_with(initialize) }
    }
}

impl InExtension<RemoveLock> {
    /// Initializes a remove lock in a device extension (`IoInitializeRemoveLock`).
    ///
    /// ```no_run
    /// use wdm_irp::PassiveLevel;
    /// use wdm_irp::lock_storage::InExtension;
    /// use wdm_irp::remove_lock::{AllocationTag, RemoveLock};
    /// use wdm_irp::sys::DEVICE_OBJECT;
    ///
    /// const TAG: AllocationTag = AllocationTag::new(*b"Lock").unwrap();
    ///
    /// struct Extension {
    ///     lock: InExtension<RemoveLock>,
    /// }
    ///
    /// /// # Safety
    /// /// `AddDevice` has just created the device, with an `Extension`.
    /// unsafe fn initialize(device: *mut DEVICE_OBJECT, at: &PassiveLevel) {
    ///     // SAFETY: the device object is valid by contract.
    ///     let extension = unsafe { (*device).DeviceExtension }.cast::<Extension>();
    ///     // SAFETY: the extension is valid by contract; this computes an address in it.
    ///     let lock = unsafe { &raw mut (*extension).lock };
    ///     // SAFETY: the extension is resident and new. `IRP_MN_REMOVE_DEVICE` waits for the lock
    ///     // before it deletes the device; everybody else uses `&Extension`.
    ///     unsafe { InExtension::<RemoveLock>::initialize(lock, TAG, at) };
    /// }
    /// ```
    ///
    /// # Safety
    /// - `memory` is aligned, writable, resident, and nobody else accesses it during the call.
    /// - There never was a remove lock in this memory since it was allocated.
    /// - From now on nobody moves the lock nor gets an exclusive reference to it.
    /// - The memory stays until [`release_and_wait`] has returned `Ok`; or else until all guards
    ///   have been dropped. A device extension stays until `IoDeleteDevice`.
    ///
    /// [`release_and_wait`]: super::RemoveLockGuard::release_and_wait
    pub unsafe fn initialize(memory: *mut Self, tag: AllocationTag, at: impl AtPassive) {
        // INVARIANT: 1 and 2 of `InExtension` by contract: a guard that has not been dropped keeps
        // `release_and_wait` from returning.
        // SAFETY: the contract of this function has that of the called one, for as long as anybody
        // has a reference; an `InExtension` is its lock, by `repr(transparent)`.
        unsafe { RemoveLock::initialize(memory.cast(), tag, at) };
    }
}

#[cfg(test)]
mod tests {
    // Has the functions that the library imports.
    use wdm_irp_sim as _;

    use super::*;
    use crate::irql::PassiveLevel;
    use crate::remove_lock::Tag;

    /// Counts a guard while it exists, and nothing else.
    #[test]
    fn guards_are_counted_from_acquisition_to_release() {
        static LOCK: InStatic<RemoveLock> = InStatic::new();

        let at = PassiveLevel::check().expect("a test's thread");
        let tag = AllocationTag::new(*b"Test").expect("not zero");
        let lock = LOCK.initialize(tag, &at).expect("the first call");
        let count = || lock.guards.load(Ordering::Relaxed);
        let first = lock.acquire(Tag::new(1)).expect("present");
        let second = lock.acquire(Tag::new(2)).expect("present");
        assert_eq!(count(), 2);
        drop(first);
        assert_eq!(count(), 1);
        second.release_and_wait(&at).expect("the only wait");
        assert_eq!(count(), 0);
        assert!(lock.acquire(Tag::new(3)).is_err());
        assert_eq!(count(), 0);
    }

    /// Leaks as many guards as there may be, without the calls of the kernel.
    #[test]
    fn guards_are_refused_before_the_count_of_the_kernel_wraps() {
        let lock = RemoveLock {
            lock: UnsafeCell::new(MaybeUninit::uninit()),
            guards: AtomicU32::new(MOST_GUARDS - 1),
            removal_begun: AtomicBool::new(false),
            _does_not_move: PhantomPinned,
        };
        assert_eq!(lock.count_guard(), Ok(()));
        for _ in 0..3 {
            assert_eq!(lock.count_guard(), Err(RemoveLockError::TooManyGuards));
        }
        lock.forget_guard();
        assert_eq!(lock.count_guard(), Ok(()));
    }
}
