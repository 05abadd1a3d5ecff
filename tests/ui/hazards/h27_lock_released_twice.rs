//! Releases a remove lock by its guard, and once more in the wait.
use wdm_irp::PassiveLevel;
use wdm_irp::remove_lock::RemoveLockGuard;

fn remove(guard: RemoveLockGuard<'static>, at: &PassiveLevel) {
    drop(guard);
    let _ = guard.release_and_wait(at);
}

fn main() {}
