//! Waits for a remove lock above PASSIVE_LEVEL.
use wdm_irp::irql::ApcLevel;
use wdm_irp::remove_lock::RemoveLockGuard;

fn remove(guard: RemoveLockGuard<'static>, at: &ApcLevel) {
    let _ = guard.release_and_wait(at);
}

fn main() {}
