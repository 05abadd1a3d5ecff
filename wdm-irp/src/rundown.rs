//! Run-down protection: what keeps an object from being deleted while it is used ([H27]).
//!
//! Like a remove lock, without tags and without a device, and it can be used again afterwards.
//! An access is a [`RundownGuard`]; the owner of the object waits until all have been dropped, and
//! gets a [`RunDown`], which alone allows new accesses. [`InStatic`] has an example.
//!
//! A guard that is leaked is never released, and [`RundownProtection::wait`] waits for it forever;
//! so it does for a guard of the thread that waits.
//!
//! [H27]: https://github.com/wdm-irp/wdm-irp/blob/main/docs/hazards.md#h27

use core::cell::UnsafeCell;
use core::fmt;
use core::marker::{PhantomData, PhantomPinned};
use core::mem::{ManuallyDrop, MaybeUninit};
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU8, Ordering};

use crate::irql::AtMostApc;
use crate::lock_storage::{InExtension, InStatic};
use crate::sys::{self, EX_RUNDOWN_REF};

/// Accesses are granted.
const ACTIVE: u8 = 0;
/// A thread waits, or has a [`RunDown`].
const TAKEN: u8 = 1;
/// There are no accesses, and nobody has a [`RunDown`].
const RUN_DOWN: u8 = 2;

/// Initialized run-down protection.
///
/// Code at IRQL <= `DISPATCH_LEVEL` may acquire it; interrupt service routines may not.
///
/// # Invariants
/// 1. Whoever has a reference to it has one to protection that was initialized in place, and does
///    not move any more. Nobody has an exclusive reference.
/// 2. `state` is TAKEN while a thread is in `wait`, and while there is a [`RunDown`]: there is at
///    most one of both. It is `RUN_DOWN`, or there is a [`RunDown`], only after
///    `ExRundownCompleted`.
pub struct RundownProtection {
    run_ref: UnsafeCell<MaybeUninit<EX_RUNDOWN_REF>>,
    state: AtomicU8,
    _does_not_move: PhantomPinned,
}

// SAFETY: run-down protection belongs to no thread.
unsafe impl Send for RundownProtection {}
// SAFETY: the functions of the executive synchronize their accesses to `run_ref`, and nothing else
// accesses it; the state is an atomic.
unsafe impl Sync for RundownProtection {}

impl RundownProtection {
    /// Initializes run-down protection in place (`ExInitializeRundownProtection`), in memory that
    /// is borrowed for `'a`.
    ///
    /// For a device extension, see [`InExtension`]; for a `static`, [`InStatic`].
    ///
    /// # Safety
    /// - `memory` is aligned, writable, resident, and nobody else accesses it during the call.
    /// - It stays valid for `'a`. From now on nobody moves the protection nor gets an exclusive
    ///   reference to it.
    pub unsafe fn initialize<'a>(memory: *mut Self, _at: impl AtMostApc) -> &'a Self {
        let new = Self {
            run_ref: UnsafeCell::new(MaybeUninit::uninit()),
            state: AtomicU8::new(ACTIVE),
            _does_not_move: PhantomPinned,
        };
        // SAFETY: `memory` is aligned, writable and not accessed by others, by contract.
        unsafe { memory.write(new) };
        // SAFETY: written in the line above, and valid for `'a` by contract.
        let this = unsafe { &*memory };
        // SAFETY: writable, resident, and nobody else's during the call, by contract.
        unsafe { sys::ExInitializeRundownProtection(this.as_ptr()) };
        // INVARIANT: 1 by the line above and by contract; 2, as nobody waits yet.
        this
    }

    const fn as_ptr(&self) -> *mut EX_RUNDOWN_REF {
        self.run_ref.get().cast()
    }

    /// Acquires the protection for one access (`ExAcquireRundownProtection`), or returns `None` if
    /// the run-down has begun. IRQL <= `DISPATCH_LEVEL`.
    ///
    /// A thread that can be suspended while it has the guard enters a critical region first: the
    /// owner waits for it.
    pub fn acquire(&self) -> Option<RundownGuard<'_>> {
        // SAFETY: the guard borrows the protection, so it does not outlive it.
        unsafe { RundownGuard::acquire(self) }
    }

    /// Refuses new accesses and waits until the present ones have ended
    /// (`ExWaitForRundownProtectionRelease`, `ExRundownCompleted`). IRQL <= `APC_LEVEL`.
    ///
    /// Returns `None`, at once, if another thread waits or has the [`RunDown`]; that says nothing
    /// about accesses. The wait has no limit.
    #[must_use = "`None` says that another thread waits, and accesses may go on"]
    pub fn wait(&self, _at: impl AtMostApc) -> Option<RunDown<'_>> {
        let take = |from| {
            self.state
                .compare_exchange(from, TAKEN, Ordering::Acquire, Ordering::Relaxed)
                .is_ok()
        };
        if take(ACTIVE) {
            // SAFETY: initialized (invariant 1), and the exchange above lets one thread get here
            // (invariant 2).
            unsafe { sys::ExWaitForRundownProtectionRelease(self.as_ptr()) };
            // SAFETY: the wait has returned.
            unsafe { sys::ExRundownCompleted(self.as_ptr()) };
        } else if !take(RUN_DOWN) {
            return None;
        }
        // INVARIANT: 2, the state is TAKEN, by this thread, and the run-down is complete.
        Some(RunDown { protection: self })
    }
}

/// What a wait gives; see the hidden method of [`RundownProtection`].
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "accesses are allowed again only after those there were have ended; call `.wait(at)` first, and `.reinitialize(at)` on the `RunDown` that it returns",
    label = "accesses may still go on"
)]
pub trait IsRunDown {}

/// Never callable: explains what is missing.
#[doc(hidden)]
impl RundownProtection {
    pub fn reinitialize<'a, P>(&'a self, _: P)
    where
        &'a Self: IsRunDown,
    {
    }
}

impl fmt::Debug for RundownProtection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RundownProtection")
            .field("active", &(self.state.load(Ordering::Relaxed) == ACTIVE))
            .finish_non_exhaustive()
    }
}

impl InStatic<RundownProtection> {
    /// Initializes the protection (`ExInitializeRundownProtection`), or returns `None` if that has
    /// been done.
    pub fn initialize(&'static self, at: impl AtMostApc) -> Option<&'static RundownProtection> {
        let initialize = |memory| {
            // SAFETY: a static is aligned, writable and resident; it is accessed by one thread as
            // long as it is not ready, and never moves (invariants 1 and 3 of `InStatic`).
            unsafe { RundownProtection::initialize(memory, at) };
        };
        // SAFETY: `RundownProtection::initialize` has initialized it, in memory that is static.
        unsafe { self.initialize_with(initialize) }
    }
}

impl InExtension<RundownProtection> {
    /// Initializes run-down protection in a device extension (`ExInitializeRundownProtection`).
    ///
    /// # Safety
    /// - `memory` is aligned, writable, resident, and nobody else accesses it during the call.
    /// - From now on nobody moves the protection nor gets an exclusive reference to it.
    /// - The memory stays until [`RundownProtection::wait`] has returned `Some` and its
    ///   [`RunDown`] has not been used to grant accesses again; or else until all guards have been
    ///   dropped.
    pub unsafe fn initialize(memory: *mut Self, at: impl AtMostApc) {
        // INVARIANT: 1 and 2 of `InExtension` by contract: a guard that has not been dropped keeps
        // `wait` from returning `Some`.
        // SAFETY: the contract of this function has that of the called one, for as long as anybody
        // has a reference; an `InExtension` is its protection, by `repr(transparent)`.
        unsafe { RundownProtection::initialize(memory.cast(), at) };
    }

    /// Acquires the protection for one access, which may outlive the call
    /// (`ExAcquireRundownProtection`), or returns `None` if the run-down has begun. IRQL <=
    /// `DISPATCH_LEVEL`.
    pub fn acquire(&self) -> Option<RundownGuard<'static>> {
        // SAFETY: the memory stays until the guard has been dropped (invariant 2 of `InExtension`).
        unsafe { RundownGuard::acquire(self) }
    }
}

/// One access; dropping it ends the access (`ExReleaseRundownProtection`) at IRQL <=
/// `DISPATCH_LEVEL`, on any thread.
///
/// # Invariants
/// 1. `protection` is acquired, for this guard alone.
/// 2. Its memory stays until the guard has been dropped: it is borrowed for `'a`, or by invariant 2
///    of [`InExtension`].
#[must_use = "the protection is released when this is dropped"]
pub struct RundownGuard<'a> {
    // No reference: the memory may be gone when the release returns.
    protection: NonNull<RundownProtection>,
    _borrow: PhantomData<&'a RundownProtection>,
}

// SAFETY: any thread may release run-down protection; who acquired it does not matter.
unsafe impl Send for RundownGuard<'_> {}
// SAFETY: there is nothing to do with a shared guard.
unsafe impl Sync for RundownGuard<'_> {}

impl RundownGuard<'_> {
    /// Acquires protection for a guard of any lifetime.
    ///
    /// # Safety
    /// The memory of the protection stays until the guard has been dropped.
    unsafe fn acquire(protection: &RundownProtection) -> Option<Self> {
        // SAFETY: initialized (invariant 1 of `RundownProtection`).
        let acquired = unsafe { sys::ExAcquireRundownProtection(protection.as_ptr()) };
        // INVARIANT: 1 by the call above, 2 by contract.
        (acquired != 0).then(|| Self {
            protection: NonNull::from(protection),
            _borrow: PhantomData,
        })
    }
}

impl Drop for RundownGuard<'_> {
    fn drop(&mut self) {
        // SAFETY: the memory is valid as long as the guard exists (invariant 2).
        let run_ref = unsafe { self.protection.as_ref() }.as_ptr();
        // SAFETY: acquired for this guard alone (invariant 1), which ends here.
        unsafe { sys::ExReleaseRundownProtection(run_ref) };
    }
}

impl fmt::Debug for RundownGuard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RundownGuard").finish_non_exhaustive()
    }
}

/// What the owner of an object that has been run down gets: there are no accesses, and there will
/// be none.
///
/// Dropping it leaves that so, and [`RundownProtection::wait`] gives it again at once.
pub struct RunDown<'a> {
    protection: &'a RundownProtection,
}

impl RunDown<'_> {
    /// Allows accesses again, to a new object (`ExReInitializeRundownProtection`). IRQL <=
    /// `APC_LEVEL`.
    pub fn reinitialize(self, _at: impl AtMostApc) {
        let protection = ManuallyDrop::new(self).protection;
        // SAFETY: run down, and it remains so until here, as there is one `RunDown` (invariant 2 of
        // `RundownProtection`).
        unsafe { sys::ExReInitializeRundownProtection(protection.as_ptr()) };
        // INVARIANT: 2 of `RundownProtection`, the `RunDown` is gone.
        protection.state.store(ACTIVE, Ordering::Release);
    }
}

impl Drop for RunDown<'_> {
    fn drop(&mut self) {
        // INVARIANT: 2 of `RundownProtection`, the `RunDown` goes, and the run-down is complete.
        self.protection.state.store(RUN_DOWN, Ordering::Release);
    }
}

impl fmt::Debug for RunDown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunDown").finish_non_exhaustive()
    }
}
