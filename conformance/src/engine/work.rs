//! What another thread does for a scenario.

use core::ffi::c_void;

/// Starts threads, which `wdm_irp::sys` cannot.
pub trait Threads {
    /// Runs the work on another thread, at `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// The work, if there is no thread to be had.
    fn start(&self, work: Work) -> Result<(), Work>;
}

/// What another thread is to do.
///
/// # Invariants
/// 1. `0` is the bench of a scenario that waits until this is done.
/// 2. The errand is set in the bench.
#[derive(Debug)]
pub struct Work(pub(super) *mut c_void);

// SAFETY: the bench stays while the scenario waits (invariant 1). What both threads use of it is
// atomic, immutable, or locked by the kernel (events); the errand is written before the thread
// starts.
unsafe impl Send for Work {}

impl Work {
    /// Returns the work as the context of a thread.
    #[must_use]
    pub fn into_raw(self) -> *mut c_void {
        self.0
    }

    /// Makes the work of a context.
    ///
    /// # Safety
    /// `raw` comes from [`into_raw`](Self::into_raw), and becomes a `Work` again once.
    #[must_use]
    pub const unsafe fn from_raw(raw: *mut c_void) -> Self {
        // INVARIANT: 1 and 2: those of the work that `into_raw` has taken apart.
        Self(raw)
    }
}
