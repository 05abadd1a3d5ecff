//! The locks, waits and threads of the model.
//!
//! They are in one place, where loom's replace the host's under `cfg(loom)`, for the models in
//! `wdm-irp/loom`: see `loom`.

use std::sync::PoisonError;

#[cfg(loom)]
#[macro_use]
mod loom;

#[cfg(loom)]
pub(crate) use self::loom::{Condvar, Mutex, MutexGuard, thread};
pub(crate) use std::sync::{Arc, OnceLock, Weak};
#[cfg(not(loom))]
pub(crate) use std::sync::{Condvar, Mutex, MutexGuard};
#[cfg(not(loom))]
pub(crate) use std::thread;
pub(crate) use std::time::{Duration, Instant};

/// Locks a mutex.
///
/// A panic elsewhere does not make the model's bookkeeping invalid: no invariant spans a panic.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits for a notification.
pub(crate) fn wait<'a, T>(condition: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
    condition
        .wait(guard)
        .unwrap_or_else(PoisonError::into_inner)
}

/// Waits for a notification or until `limit` has passed.
pub(crate) fn wait_for<'a, T>(
    condition: &Condvar,
    guard: MutexGuard<'a, T>,
    limit: Duration,
) -> MutexGuard<'a, T> {
    condition
        .wait_timeout(guard, limit)
        .unwrap_or_else(PoisonError::into_inner)
        .0
}

/// What the dispatcher lock and the waits on it are made of.
pub(crate) mod dispatcher {
    #[cfg(not(loom))]
    pub(crate) use super::{Condvar, Mutex, lock};
    #[cfg(not(loom))]
    use super::{Duration, Instant, MutexGuard, wait_for};

    #[cfg(loom)]
    pub(crate) use super::loom::dispatcher::{Condvar, Deadline, Mutex, lock};

    /// The end of a wait.
    #[cfg(not(loom))]
    pub(crate) struct Deadline {
        start: Instant,
        limit: Duration,
    }

    #[cfg(not(loom))]
    impl Deadline {
        /// Sets the end to `limit` from now, whether the caller of the wait has asked for it or
        /// not.
        pub(crate) fn new(limit: Duration, _wanted: bool) -> Self {
            Self {
                start: Instant::now(),
                limit,
            }
        }

        pub(crate) fn has_passed(&self) -> bool {
            self.start.elapsed() >= self.limit
        }

        /// Waits for a notification or the deadline.
        pub(crate) fn wait<'a, T>(
            &self,
            _: &'a Mutex<T>,
            condition: &Condvar,
            guard: MutexGuard<'a, T>,
        ) -> MutexGuard<'a, T> {
            let left = self.limit.saturating_sub(self.start.elapsed());
            wait_for(condition, guard, left)
        }
    }
}
