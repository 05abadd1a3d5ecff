//! Keeps a guard longer than the memory of its lock is borrowed.
use wdm_irp::remove_lock::{RemoveLock, RemoveLockError, RemoveLockGuard, Tag};

fn hold(lock: &RemoveLock) -> Result<RemoveLockGuard<'static>, RemoveLockError> {
    lock.acquire(Tag::new(1))
}

fn main() {}
