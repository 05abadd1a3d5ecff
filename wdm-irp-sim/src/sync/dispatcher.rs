//! What the dispatcher lock and the waits on it are made of, on the host.

use std::sync::MutexGuard;
use std::time::{Duration, Instant};

use super::locking::wait_for;

pub(crate) use super::locking::lock;
pub(crate) use std::sync::{Condvar, Mutex};

/// The end of a wait.
pub(crate) struct Deadline {
    start: Instant,
    limit: Duration,
}

impl Deadline {
    /// Sets the end to `limit` from now, whether the caller of the wait has asked for it or not.
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
