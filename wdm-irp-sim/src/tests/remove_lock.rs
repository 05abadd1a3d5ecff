//! Remove locks: `IoAcquireRemoveLockEx` and its kin.

use std::mem::MaybeUninit;
use std::ptr;

use wdm_irp::sys::{self, IO_REMOVE_LOCK, NTSTATUS, STATUS_DELETE_PENDING, STATUS_SUCCESS};

use super::support::*;
use crate::irql::raise;
use crate::{Machine, ViolationKind};

/// The size of the free build's lock.
const SIZE: u32 = 32;

/// A remove lock on the heap, without an owner that would make its use by another thread invalid.
#[derive(Clone, Copy)]
struct Lock(*mut IO_REMOVE_LOCK);

// SAFETY: a remove lock belongs to no thread: any may acquire or release it.
unsafe impl Send for Lock {}

impl Lock {
    fn uninitialized() -> Self {
        Self(Box::into_raw(Box::<IO_REMOVE_LOCK>::new_uninit()).cast())
    }

    fn new() -> Self {
        let lock = Self::uninitialized();
        lock.initialize(0x1234, SIZE);
        lock
    }

    fn initialize(self, tag: u32, size: u32) {
        // SAFETY: allocated by `uninitialized`; the tests initialize a lock before they share it.
        unsafe { sys::IoInitializeRemoveLockEx(self.0, tag, 0, 0, size) };
    }

    fn acquire(self, tag: usize) -> NTSTATUS {
        let (tag, file) = (ptr::without_provenance_mut(tag), c"".as_ptr().cast());
        // SAFETY: the tests free a lock after its last use; the ledger checks the rest.
        unsafe { sys::IoAcquireRemoveLockEx(self.0, tag, file, 1, SIZE) }
    }

    fn release(self, tag: usize) {
        let tag = ptr::without_provenance_mut(tag);
        // SAFETY: the tests free a lock after its last use; the ledger checks the rest.
        unsafe { sys::IoReleaseRemoveLockEx(self.0, tag, SIZE) };
    }

    fn release_and_wait(self, tag: usize) {
        let tag = ptr::without_provenance_mut(tag);
        // SAFETY: the tests free a lock after its last use; the ledger checks the rest.
        unsafe { sys::IoReleaseRemoveLockAndWaitEx(self.0, tag, SIZE) };
    }

    fn free(self) {
        // SAFETY: allocated by `uninitialized` with `Box`; the tests do not use the lock
        // afterwards, whose contents need no drop.
        drop(unsafe { Box::<MaybeUninit<IO_REMOVE_LOCK>>::from_raw(self.0.cast()) });
    }
}

#[test]
fn a_removal_waits_for_every_acquisition_and_refuses_new_ones() {
    let machine = Machine::new();
    let lock = Lock::new();
    for tag in [1, 2, 2] {
        assert_eq!(lock.acquire(tag), STATUS_SUCCESS);
    }
    let waiter = machine.spawn(move || lock.release_and_wait(1));
    until(|| {
        let status = lock.acquire(3);
        if status == STATUS_SUCCESS {
            lock.release(3);
        }
        status == STATUS_DELETE_PENDING
    });
    lock.release(2);
    assert!(!waiter.is_finished());
    lock.release(2);
    waiter.join().unwrap();
    assert_eq!(lock.acquire(4), STATUS_DELETE_PENDING);
    assert!(has_entry(&machine, "IoReleaseRemoveLockAndWaitEx returned"));
    lock.free();
    machine.finish();
}

#[test]
fn a_removal_of_what_nobody_else_has_does_not_wait() {
    let machine = Machine::new();
    let lock = Lock::new();
    lock.acquire(1);
    lock.release_and_wait(1);
    lock.free();
    machine.finish();
}

#[test]
fn a_remove_lock_is_released_with_another_tag() {
    let machine = Machine::new();
    let lock = Lock::new();
    lock.acquire(1);
    lock.acquire(2);
    lock.release(3);
    lock.release_and_wait(4);
    lock.free();
    let report = machine.into_report();
    assert_kinds(
        &report,
        &[
            ViolationKind::RemoveLockWrongTag,
            ViolationKind::RemoveLockWrongTagInWait,
        ],
    );
    let parameters = report
        .violations
        .iter()
        .map(|v| v.kind.bug_check().parameter);
    assert!(parameters.eq([Some(0xD5), Some(0xD6)]), "{report}");
}

#[test]
fn a_remove_lock_is_released_that_nobody_has() {
    let machine = Machine::new();
    let lock = Lock::new();
    lock.release(1);
    lock.release_and_wait(1);
    lock.acquire(1);
    lock.release(1);
    lock.release(1);
    lock.free();
    assert_kinds(
        &machine.into_report(),
        &[ViolationKind::RemoveLockNotHeld; 3],
    );
}

#[test]
fn a_remove_lock_is_initialized_again() {
    let machine = Machine::new();
    let lock = Lock::new();
    lock.acquire(1);
    lock.initialize(0x1234, SIZE);
    lock.release_and_wait(1);
    lock.initialize(0x1234, SIZE);
    // As before: the second initialization has not touched it.
    assert_eq!(lock.acquire(2), STATUS_DELETE_PENDING);
    lock.free();
    let report = machine.into_report();
    assert_kinds(&report, &[ViolationKind::RemoveLockInitializedAgain; 2]);
    assert_eq!(report.violations[0].kind.bug_check().parameter, Some(0xD7));
}

#[test]
fn a_remove_lock_is_initialized_with_bad_arguments() {
    let machine = Machine::new();
    let (no_tag, checked) = (Lock::uninitialized(), Lock::uninitialized());
    no_tag.initialize(0, SIZE);
    checked.initialize(1, 120);
    no_tag.free();
    checked.free();
    assert_kinds(
        &machine.into_report(),
        &[ViolationKind::RemoveLockBadArgument; 2],
    );
}

#[test]
fn a_remove_lock_is_used_that_is_not_initialized() {
    let machine = Machine::new();
    let lock = Lock::uninitialized();
    assert_eq!(lock.acquire(1), STATUS_DELETE_PENDING);
    lock.release(1);
    lock.release_and_wait(1);
    lock.free();
    assert_kinds(
        &machine.into_report(),
        &[ViolationKind::RemoveLockNotInitialized; 3],
    );
}

#[test]
fn a_device_is_removed_twice() {
    let machine = Machine::new();
    let lock = Lock::new();
    lock.acquire(1);
    lock.acquire(2);
    let waiter = machine.spawn(move || lock.release_and_wait(1));
    until(|| has_entry(&machine, "IoReleaseRemoveLockAndWaitEx(tag 0x1)"));
    lock.release_and_wait(2);
    waiter.join().unwrap();
    lock.free();
    assert_kinds(
        &machine.into_report(),
        &[ViolationKind::RemoveLockWaitedForTwice],
    );
}

#[test]
fn the_irql_of_remove_locks() {
    let machine = Machine::new();
    let (lock, apc) = (Lock::new(), Lock::uninitialized());
    {
        let _raised = raise(2);
        lock.acquire(1);
        lock.release(1);
    }
    assert!(machine.take_violations().is_empty());
    {
        let _raised = raise(1);
        apc.initialize(1, SIZE);
        lock.acquire(2);
        lock.release_and_wait(2);
    }
    {
        let _raised = raise(3);
        apc.acquire(1);
        apc.release(1);
    }
    lock.free();
    apc.free();
    assert_kinds(&machine.into_report(), &[ViolationKind::IrqlTooHigh; 4]);
}

#[test]
fn a_remove_lock_is_held_at_the_end() {
    let machine = Machine::new();
    let lock = Lock::new();
    lock.acquire(0xABC);
    let report = machine.into_report();
    lock.free();
    assert_kinds(&report, &[ViolationKind::RemoveLockLeaked]);
    assert!(report.to_string().contains("[abc]"), "{report}");
}

#[test]
fn a_remove_lock_is_held_when_its_memory_is_freed() {
    let machine = Machine::new();
    let (held, released, elsewhere) = (Lock::new(), Lock::new(), Lock::new());
    held.acquire(1);
    elsewhere.acquire(1);
    for lock in [held, released] {
        let start = lock.0.addr();
        machine.memory_freed(start..start + SIZE as usize);
    }
    // In memory that was freed and allocated again.
    released.initialize(1, SIZE);
    elsewhere.release(1);
    for lock in [held, released, elsewhere] {
        lock.free();
    }
    assert_kinds(&machine.into_report(), &[ViolationKind::LockFreedWhileHeld]);
}
