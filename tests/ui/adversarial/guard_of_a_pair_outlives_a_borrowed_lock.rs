//! Takes a lock out of its extension, to have its guards end before those of the requests.
use wdm_irp::lock_storage::InExtension;
use wdm_irp::remove_lock::RemoveLock;

fn take(lock: InExtension<RemoveLock>) -> RemoveLock {
    lock.0
}

fn make(lock: RemoveLock) -> InExtension<RemoveLock> {
    InExtension(lock)
}

fn replace(lock: &InExtension<RemoveLock>, other: RemoveLock) {
    **lock = other;
}

fn main() {}
