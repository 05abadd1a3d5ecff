//! Initializes a lock in a local variable, which would move it.
use wdm_irp::PassiveLevel;
use wdm_irp::lock_storage::InStatic;
use wdm_irp::remove_lock::{AllocationTag, RemoveLock};

fn make(tag: AllocationTag, at: &PassiveLevel) -> InStatic<RemoveLock> {
    let lock = InStatic::<RemoveLock>::new();
    lock.initialize(tag, at);
    lock
}

fn main() {}
