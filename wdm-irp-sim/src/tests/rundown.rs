//! Run-down protection: `ExAcquireRundownProtection` and its kin.

use wdm_irp::sys::{self, EX_RUNDOWN_REF};

use super::support::*;
use crate::irql::raise;
use crate::{Machine, ViolationKind};

/// Run-down protection on the heap, without an owner that would make its use by another thread
/// invalid.
#[derive(Clone, Copy)]
struct Rundown(*mut EX_RUNDOWN_REF);

// SAFETY: run-down protection belongs to no thread: any may acquire or release it.
unsafe impl Send for Rundown {}

impl Rundown {
    fn uninitialized() -> Self {
        Self(Box::into_raw(Box::default()))
    }

    fn new() -> Self {
        let rundown = Self::uninitialized();
        rundown.initialize();
        rundown
    }

    fn initialize(self) {
        // SAFETY: allocated by `uninitialized`, and not freed before the last use.
        unsafe { sys::ExInitializeRundownProtection(self.0) };
    }

    fn reinitialize(self) {
        // SAFETY: not freed before the last use; the ledger checks the rest.
        unsafe { sys::ExReInitializeRundownProtection(self.0) };
    }

    fn acquire(self) -> bool {
        // SAFETY: not freed before the last use; the ledger checks the rest.
        unsafe { sys::ExAcquireRundownProtection(self.0) != 0 }
    }

    fn release(self) {
        // SAFETY: not freed before the last use; the ledger checks the rest.
        unsafe { sys::ExReleaseRundownProtection(self.0) };
    }

    fn wait(self) {
        // SAFETY: not freed before the last use; the ledger checks the rest.
        unsafe { sys::ExWaitForRundownProtectionRelease(self.0) };
    }

    fn completed(self) {
        // SAFETY: not freed before the last use; the ledger checks the rest.
        unsafe { sys::ExRundownCompleted(self.0) };
    }

    fn free(self) {
        // SAFETY: allocated by `uninitialized` with `Box`; the tests do not use it afterwards.
        drop(unsafe { Box::from_raw(self.0) });
    }
}

#[test]
fn a_run_down_waits_for_every_access_and_refuses_new_ones() {
    let machine = Machine::new();
    let rundown = Rundown::new();
    assert!(rundown.acquire() && rundown.acquire());
    let waiter = machine.spawn(move || rundown.wait());
    until(|| {
        let acquired = rundown.acquire();
        if acquired {
            rundown.release();
        }
        !acquired
    });
    rundown.release();
    assert!(!waiter.is_finished());
    rundown.release();
    waiter.join().unwrap();
    assert!(!rundown.acquire());
    rundown.free();
    machine.finish();
}

#[test]
fn an_object_is_replaced_after_it_was_run_down() {
    let machine = Machine::new();
    let rundown = Rundown::new();
    for completes in [false, true] {
        assert!(rundown.acquire());
        rundown.release();
        rundown.wait();
        // Without effect.
        rundown.wait();
        if completes {
            rundown.completed();
            rundown.wait();
        }
        assert!(!rundown.acquire());
        rundown.reinitialize();
    }
    assert!(rundown.acquire());
    rundown.release();
    rundown.free();
    machine.finish();
}

#[test]
fn an_object_is_replaced_that_was_not_run_down() {
    let machine = Machine::new();
    let rundown = Rundown::new();
    rundown.reinitialize();
    rundown.completed();
    assert!(rundown.acquire());
    rundown.initialize();
    rundown.release();
    // The memory of an object that is gone may have another one's.
    rundown.initialize();
    rundown.free();
    assert_kinds(
        &machine.into_report(),
        &[ViolationKind::RundownReinitialized; 3],
    );
}

#[test]
fn an_access_ends_that_has_not_begun() {
    let machine = Machine::new();
    let rundown = Rundown::new();
    rundown.release();
    rundown.wait();
    rundown.release();
    rundown.free();
    assert_kinds(&machine.into_report(), &[ViolationKind::RundownNotHeld; 2]);
}

#[test]
fn run_down_protection_is_used_that_is_not_initialized() {
    let machine = Machine::new();
    let rundown = Rundown::uninitialized();
    assert!(!rundown.acquire());
    rundown.release();
    rundown.wait();
    rundown.completed();
    rundown.reinitialize();
    rundown.free();
    assert_kinds(
        &machine.into_report(),
        &[ViolationKind::RundownNotInitialized; 5],
    );
}

#[test]
fn two_threads_wait_for_the_same_run_down() {
    let machine = Machine::new();
    let rundown = Rundown::new();
    assert!(rundown.acquire());
    let waiter = machine.spawn(move || rundown.wait());
    until(|| has_entry(&machine, "ExWaitForRundownProtectionRelease"));
    rundown.wait();
    rundown.release();
    waiter.join().unwrap();
    rundown.free();
    assert_kinds(
        &machine.into_report(),
        &[ViolationKind::RundownWaitedForTwice],
    );
}

#[test]
fn the_irql_of_run_down_protection() {
    let machine = Machine::new();
    let rundown = Rundown::new();
    {
        let _raised = raise(2);
        rundown.acquire();
        rundown.release();
    }
    {
        let _raised = raise(1);
        rundown.wait();
        rundown.completed();
        rundown.reinitialize();
    }
    assert!(machine.take_violations().is_empty());
    {
        let _raised = raise(2);
        rundown.wait();
        rundown.completed();
        rundown.reinitialize();
        rundown.initialize();
    }
    {
        let _raised = raise(3);
        rundown.acquire();
        rundown.release();
    }
    rundown.free();
    assert_kinds(&machine.into_report(), &[ViolationKind::IrqlTooHigh; 6]);
}

#[test]
fn run_down_protection_is_held_at_the_end() {
    let machine = Machine::new();
    let rundown = Rundown::new();
    rundown.acquire();
    let report = machine.into_report();
    rundown.free();
    assert_kinds(&report, &[ViolationKind::RundownLeaked]);
}

#[test]
fn run_down_protection_is_held_when_its_memory_is_freed() {
    let machine = Machine::new();
    let rundown = Rundown::new();
    rundown.acquire();
    let start = rundown.0.addr();
    machine.memory_freed(start..start + size_of::<EX_RUNDOWN_REF>());
    rundown.free();
    assert_kinds(&machine.into_report(), &[ViolationKind::LockFreedWhileHeld]);
}
