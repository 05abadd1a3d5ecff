//! Waits for a remove lock without having acquired it.
use wdm_irp::PassiveLevel;
use wdm_irp::remove_lock::RemoveLock;

fn remove(lock: &RemoveLock, at: &PassiveLevel) {
    let _ = lock.release_and_wait(at);
}

fn main() {}
