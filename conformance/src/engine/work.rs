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
/// `0` is the bench of a scenario that waits for this, and the errand is set in it.
#[derive(Debug)]
pub struct Work(pub(super) *mut c_void);

// SAFETY: the scenario waits meanwhile, and what its bench shares with the thread is atomic or handed over with the
// start of the thread.
unsafe impl Send for Work {}

impl Work {
    /// The work as the context of a thread.
    #[must_use]
    pub fn into_raw(self) -> *mut c_void {
        self.0
    }

    /// The work of a context.
    ///
    /// # Safety
    /// `raw` comes from [`into_raw`](Self::into_raw), and becomes a `Work` again once.
    #[must_use]
    pub const unsafe fn from_raw(raw: *mut c_void) -> Self {
        // INVARIANT: by contract.
        Self(raw)
    }
}
