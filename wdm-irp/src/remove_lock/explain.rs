//! A method that exists for the error it gives: a wait without an acquisition.

use super::lock::RemoveLock;

/// An acquired lock; see the hidden method of [`RemoveLock`].
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "RemoveLockCheck: a remove lock must be acquired before the removal waits for it; call `.acquire(tag)` first, and `.release_and_wait(at)` on the guard",
    label = "this is the lock, not a guard"
)]
pub trait IsAcquired {}

/// Never callable: explains what is missing.
#[doc(hidden)]
impl RemoveLock {
    pub fn release_and_wait<'a, P>(&'a self, _: P)
    where
        &'a Self: IsAcquired,
    {
    }
}
