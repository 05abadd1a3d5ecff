//! The memory of a lock whose guards outlive the call that acquired them: [`InStatic`],
//! [`InExtension`].
//!
//! A [`RemoveLock`](crate::remove_lock::RemoveLock) or
//! [`RundownProtection`](crate::rundown::RundownProtection) is initialized where it is, once, and
//! never moves. So there is no function that returns one by value: a static is initialized safely,
//! other memory by an `unsafe` function, whose caller knows how long that memory stays.

use core::cell::UnsafeCell;
use core::fmt;
use core::mem::MaybeUninit;
use core::ops::Deref;
use core::sync::atomic::{AtomicU8, Ordering};

/// The lock is not initialized.
const EMPTY: u8 = 0;
/// A thread initializes the lock.
const BEGUN: u8 = 1;
/// The lock is initialized.
const READY: u8 = 2;

/// A lock in a `static`, initialized once while the driver runs.
///
/// Its methods take `&'static self`, and what is borrowed forever cannot move.
///
/// ```
/// # use wdm_irp_sim as _;
/// use wdm_irp::PassiveLevel;
/// use wdm_irp::lock_storage::InStatic;
/// use wdm_irp::rundown::RundownProtection;
///
/// static OPEN: InStatic<RundownProtection> = InStatic::new();
///
/// // In DriverEntry:
/// let at = PassiveLevel::check()?;
/// let open = OPEN.initialize(&at).expect("DriverEntry runs once");
///
/// // Anywhere else:
/// assert!(OPEN.get().is_some_and(|open| open.acquire().is_some()));
///
/// // In DriverUnload:
/// let _run_down = open.wait(&at).expect("nobody else waits");
/// assert!(open.acquire().is_none());
/// # Ok::<(), wdm_irp::irql::IrqlTooHigh>(())
/// ```
///
/// # Invariants
/// 1. Until `state` is READY only the thread that has set it to BEGUN accesses `lock`, and no
///    thread does while it is EMPTY.
/// 2. Once `state` is READY, which it remains, `lock` is initialized and only shared.
/// 3. `state` leaves EMPTY through a `&'static self` only, so after that `self` does not move and
///    is not dropped.
pub struct InStatic<L> {
    state: AtomicU8,
    lock: UnsafeCell<MaybeUninit<L>>,
}

// SAFETY: threads share `L`, which is `Sync`, after the one that initializes it is done
// (invariants 1 and 2); nothing moves it to another thread.
unsafe impl<L: Sync> Sync for InStatic<L> {}

impl<L> InStatic<L> {
    /// Creates the memory of a lock that is not initialized yet.
    #[must_use]
    pub const fn new() -> Self {
        // INVARIANT: 1 to 3 hold for EMPTY, as nobody has a reference yet.
        Self {
            state: AtomicU8::new(EMPTY),
            lock: UnsafeCell::new(MaybeUninit::uninit()),
        }
    }

    /// Returns the lock, or `None` before it is initialized. Any IRQL.
    #[must_use]
    pub fn get(&'static self) -> Option<&'static L> {
        if self.state.load(Ordering::Acquire) != READY {
            return None;
        }
        // SAFETY: the state is READY, so the lock is initialized and shared forever (invariant 2);
        // the load above is ordered after the store that made it so.
        Some(unsafe { &*self.lock.get().cast::<L>() })
    }

    /// Initializes the lock by `initialize`; `None` if that has been done or begun.
    ///
    /// # Safety
    /// When `initialize` returns, there is an initialized `L` at the address it was given, which
    /// may be shared forever.
    pub(crate) unsafe fn initialize_with(
        &'static self,
        initialize: impl FnOnce(*mut L),
    ) -> Option<&'static L> {
        // INVARIANT: 3 by the type of `self`.
        self.state
            .compare_exchange(EMPTY, BEGUN, Ordering::Relaxed, Ordering::Relaxed)
            .ok()?;
        initialize(self.lock.get().cast());
        // INVARIANT: 2, the lock is initialized by the contract of this function.
        self.state.store(READY, Ordering::Release);
        self.get()
    }
}

impl<L> Default for InStatic<L> {
    fn default() -> Self {
        Self::new()
    }
}

impl<L> fmt::Debug for InStatic<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InStatic")
            .field(
                "initialized",
                &(self.state.load(Ordering::Relaxed) == READY),
            )
            .finish_non_exhaustive()
    }
}

/// A lock in a device extension, or other memory that stays until the lock has been waited for.
///
/// The guards of such a lock have no lifetime: an operation keeps one while its IRP is in flight.
/// Whoever calls the `unsafe` function that initializes it promises the memory once.
///
/// # Invariants
/// 1. Whoever has a reference to it has one to an initialized lock, which does not move any more.
/// 2. Its memory stays until every guard of the lock has been dropped.
#[repr(transparent)]
pub struct InExtension<L>(L);

impl<L> Deref for InExtension<L> {
    type Target = L;

    fn deref(&self) -> &L {
        &self.0
    }
}

impl<L: fmt::Debug> fmt::Debug for InExtension<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("InExtension").field(&self.0).finish()
    }
}
