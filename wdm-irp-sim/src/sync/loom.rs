//! Stand-ins for the locks, waits and threads of the host, for loom to explore.
//!
//! What loom must explore is the dispatcher lock, the waits on it, and the points at which the
//! model can be delayed. The ledger's locks stay the host's, which loom does not see: they add no
//! order to the accesses that it checks, and no interleavings. None is held across an operation of
//! loom's, between which its threads do not switch.
#![expect(
    clippy::unnecessary_wraps,
    clippy::unused_self,
    reason = "the signatures are those of std"
)]

use std::ops::{Deref, DerefMut};
use std::sync::{LockResult, PoisonError, TryLockError};
use std::time::Duration;

/// `std::thread_local!`, for loom's threads, which are all one thread of the host.
macro_rules! thread_local {
    ($(#[$attribute:meta])* static $name:ident: $type:ty = const $init:block;) => {
        loom::thread_local! { $(#[$attribute])* static $name: $type = $init; }
    };
}

/// The host's mutex, which is always free.
#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(std::sync::Mutex<T>);

pub(crate) struct MutexGuard<'a, T> {
    mutex: &'a Mutex<T>,
    guard: std::sync::MutexGuard<'a, T>,
}

impl<T> Mutex<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(std::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
        let guard = match self.0.try_lock() {
            Ok(guard) => guard,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => {
                panic!("a lock of the ledger is held across an operation of loom's")
            }
        };
        Ok(MutexGuard { mutex: self, guard })
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.guard
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.guard
    }
}

/// Lets the other threads run; whoever waits looks again.
#[derive(Debug, Default)]
pub(crate) struct Condvar;

impl Condvar {
    pub(crate) const fn new() -> Self {
        Self
    }

    pub(crate) fn notify_one(&self) {}

    pub(crate) fn notify_all(&self) {}

    pub(crate) fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> LockResult<MutexGuard<'a, T>> {
        let mutex = guard.mutex;
        drop(guard);
        loom::thread::yield_now();
        mutex.lock()
    }

    pub(crate) fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        _limit: Duration,
    ) -> LockResult<(MutexGuard<'a, T>, ())> {
        let guard = self.wait(guard).unwrap_or_else(PoisonError::into_inner);
        Ok((guard, ()))
    }
}

/// The dispatcher lock: loom's.
pub(crate) mod dispatcher {
    use std::cell::Cell;
    use std::sync::PoisonError;

    use loom::sync::MutexGuard;
    pub(crate) use loom::sync::{Condvar, Mutex};

    use std::time::Duration;

    pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
        mutex.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The end of a wait.
    ///
    /// Time is whatever the scheduler makes of it: a time-out elapses between any two steps of the
    /// other threads. Loom reports a deadlock if nobody ends a wait without time-out.
    pub(crate) struct Deadline {
        wanted: bool,
        passed: Cell<bool>,
    }

    impl Deadline {
        pub(crate) fn new(_limit: Duration, wanted: bool) -> Self {
            Self {
                wanted,
                passed: Cell::new(false),
            }
        }

        pub(crate) fn has_passed(&self) -> bool {
            self.passed.get()
        }

        /// Waits for a notification or the deadline.
        pub(crate) fn wait<'a, T>(
            &self,
            mutex: &'a Mutex<T>,
            condition: &Condvar,
            guard: MutexGuard<'a, T>,
        ) -> MutexGuard<'a, T> {
            if self.wanted {
                drop(guard);
                self.passed.set(true);
                lock(mutex)
            } else {
                condition
                    .wait(guard)
                    .unwrap_or_else(PoisonError::into_inner)
            }
        }
    }
}

pub(crate) mod thread {
    use std::sync::atomic::Ordering;

    pub(crate) use loom::thread::{ThreadId, current, panicking};

    use std::time::Duration;

    loom::lazy_static! {
        static ref SLEEPS: loom::sync::atomic::AtomicU32 = loom::sync::atomic::AtomicU32::new(0);
    }

    /// Lets any other thread run: all sleeps of a model come in every order.
    pub(crate) fn sleep(_: Duration) {
        // Relaxed: explored, but no synchronization.
        SLEEPS.fetch_add(1, Ordering::Relaxed);
    }

    /// The words of a thread's stack; misuse is formatted on it.
    const STACK: usize = 1 << 15;

    pub(crate) struct Builder(loom::thread::Builder);

    impl Builder {
        pub(crate) fn new() -> Self {
            Self(loom::thread::Builder::new().stack_size(STACK))
        }

        pub(crate) fn name(self, name: String) -> Self {
            Self(self.0.name(name))
        }

        pub(crate) fn spawn<T: Send + 'static>(
            self,
            work: impl FnOnce() -> T + Send + 'static,
        ) -> std::io::Result<JoinHandle<T>> {
            self.0.spawn(work).map(JoinHandle)
        }
    }

    /// A thread of a model.
    #[derive(Debug)]
    pub struct JoinHandle<T>(loom::thread::JoinHandle<T>);

    impl<T> JoinHandle<T> {
        /// Waits for the thread.
        ///
        /// # Errors
        /// Never: a panic ends the model.
        pub fn join(self) -> std::thread::Result<T> {
            self.0.join()
        }

        /// Returns `false`: loom does not tell before the thread is joined.
        pub(crate) fn is_finished(&self) -> bool {
            false
        }
    }
}
