//! Cancellation.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use wdm_irp::sys::{
    self, APC_LEVEL, DEVICE_OBJECT, DISPATCH_LEVEL, IRP, STATUS_CANCELLED, STATUS_PENDING,
    STATUS_SUCCESS,
};

use super::support::{
    Event, Irp, assert_kinds, has_entry, machine_and_device_when, milliseconds, send_and_wait,
    signal_if_pended, until,
};
use crate::io::major;
use crate::{Behavior, DelayPoint, Device, Machine, ViolationKind, When, irql};

/// Sends a read that pends, with an event that is signaled.
fn send(device: &Device) -> (Irp, Event) {
    let irp = Irp::allocate(device.stack_size());
    let event = Event::notification();
    assert_eq!(
        irp.major(major::READ)
            .routine(signal_if_pended, event.context())
            .call(device),
        STATUS_PENDING
    );
    (irp, event)
}

#[test]
fn the_cancel_routine_completes() {
    let machine = Machine::new();
    machine.strict_lower(true);
    let device = machine.device(Behavior::complete(STATUS_SUCCESS, 0).when(When::cancelled()));
    let (irp, event) = send(&device);
    assert!(irp.cancel());
    assert_eq!(irql::current(), 0);
    assert_eq!(event.wait(Some(0)), STATUS_SUCCESS);
    assert_eq!(irp.status(), STATUS_CANCELLED);
    irp.free();
    event.free();
    machine.finish();
}

#[test]
fn a_driver_may_ignore_a_cancellation() {
    let (machine, device) = machine_and_device_when(When::triggered());
    let (irp, event) = send(&device);
    assert!(!irp.cancel());
    assert_eq!(event.wait(Some(0)), sys::STATUS_TIMEOUT);
    assert!(device.complete_next(STATUS_SUCCESS, 0));
    assert_eq!(event.wait(None), STATUS_SUCCESS);
    assert_eq!(irp.status(), STATUS_SUCCESS);
    irp.free();
    event.free();
    machine.finish();
}

#[test]
fn cancelled_before_the_driver_has_it() {
    let machine = Machine::new();
    machine.strict_lower(true);
    let device = machine.device(Behavior::complete(STATUS_SUCCESS, 0).when(When::cancelled()));
    let irp = Irp::allocate(1);
    let event = Event::notification();
    assert!(!irp.cancel());
    irp.major(major::READ)
        .routine(signal_if_pended, event.context())
        .call(&device);
    assert_eq!(event.wait(Some(0)), STATUS_SUCCESS);
    assert_eq!(irp.status(), STATUS_CANCELLED);
    irp.free();
    event.free();
    machine.finish();
}

#[test]
fn completion_and_cancellation_race() {
    let machine = Machine::new();
    machine.strict_lower(true);
    let device = machine.device(
        Behavior::complete(STATUS_SUCCESS, 0).when(When::after(Duration::ZERO).cancelable()),
    );
    let rounds = if cfg!(miri) { 6 } else { 300 };
    let mut cancelled = 0;
    for _ in 0..rounds {
        let (irp, event) = send(&device);
        let claimed = irp.cancel();
        assert_eq!(event.wait(None), STATUS_SUCCESS);
        assert_eq!(irp.status() == STATUS_CANCELLED, claimed);
        cancelled += u32::from(claimed);
        irp.free();
        event.free();
    }
    assert!(cancelled <= rounds);
    machine.finish();
}

#[test]
fn freed_while_it_is_cancelled() {
    let machine = Machine::new();
    machine
        .faults()
        .delay(DelayPoint::BeforeCancel, milliseconds(100));
    let device = machine.device(Behavior::complete(STATUS_SUCCESS, 0).when(When::triggered()));
    let (irp, event) = send(&device);
    let canceller = machine.spawn(move || irp.cancel());
    until(|| has_entry(&machine, "IoCancelIrp"));
    assert!(device.complete_next(STATUS_SUCCESS, 0));
    irp.free();
    assert!(!canceller.join().unwrap());
    event.free();
    assert_kinds(
        &machine.into_report(),
        &[ViolationKind::IrpFreedDuringCancel],
    );
}

#[test]
fn the_routine_runs_with_the_lock_held_at_dispatch_level() {
    unsafe extern "system" fn look(_: *mut DEVICE_OBJECT, irp: *mut IRP) {
        assert_eq!(irql::current(), DISPATCH_LEVEL);
        let irql = Irp(irp).access().cancel_irql();
        assert_eq!(irql, 0);
        // SAFETY: `IoCancelIrp` has acquired the lock for this routine.
        unsafe { sys::IoReleaseCancelSpinLock(irql) };
        assert_eq!(irql::current(), 0);
    }
    unsafe extern "system" fn keep_lock(_: *mut DEVICE_OBJECT, _: *mut IRP) {}
    for (routine, expected) in [
        (
            look as unsafe extern "system" fn(*mut DEVICE_OBJECT, *mut IRP),
            &[][..],
        ),
        (keep_lock, &[ViolationKind::CancelLockNotReleased][..]),
    ] {
        let machine = Machine::new();
        let device = machine.device(Behavior::custom(move |irp| {
            irp.mark_pending();
            // SAFETY: the IRP is allocated, and at this driver.
            let before = unsafe { sys::IoSetCancelRoutine(irp.as_ptr(), Some(routine)) };
            assert!(before.is_none());
            irp.hold(false);
            STATUS_PENDING
        }));
        let (irp, event) = send(&device);
        assert!(irp.cancel());
        assert!(device.complete_next(STATUS_CANCELLED, 0));
        irp.free();
        event.free();
        assert_kinds(&machine.into_report(), expected);
    }
}

#[test]
fn completed_with_a_cancel_routine_set() {
    unsafe extern "system" fn never(_: *mut DEVICE_OBJECT, _: *mut IRP) {}
    let machine = Machine::new();
    machine.strict_lower(true);
    let device = machine.device(Behavior::custom(|irp| {
        // SAFETY: the IRP is allocated, and at this driver.
        unsafe { sys::IoSetCancelRoutine(irp.as_ptr(), Some(never)) };
        irp.complete(STATUS_SUCCESS, 0)
    }));
    assert_eq!(send_and_wait(&device), (STATUS_SUCCESS, STATUS_SUCCESS));
    let report = machine.into_report();
    assert_kinds(&report, &[ViolationKind::CancelRoutineSet]);
    assert!(
        report
            .to_string()
            .contains("DRIVER_VERIFIER_IOMANAGER_VIOLATION (0xC9, 0x7)")
    );
}

#[test]
fn releasing_the_lock_brings_back_the_irql_of_who_cancels() {
    let (machine, device) = machine_and_device_when(When::cancelled());
    let (irp, event) = send(&device);
    {
        let _raised = irql::raise(APC_LEVEL);
        assert!(irp.cancel());
        assert_eq!(irql::current(), APC_LEVEL);
    }
    irp.free();
    event.free();
    machine.finish();
}

#[test]
fn the_cancel_lock_has_one_owner_at_a_time() {
    let machine = Machine::new();
    let inside = Arc::new(AtomicBool::new(false));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let inside = inside.clone();
            machine.spawn(move || {
                for _ in 0..3 {
                    let mut irql = 0xFF;
                    // SAFETY: the IRQL goes to a local variable.
                    unsafe { sys::IoAcquireCancelSpinLock(&raw mut irql) };
                    assert!(!inside.swap(true, Ordering::Relaxed));
                    // Long enough for the others to come and wait.
                    std::thread::sleep(Duration::from_millis(2));
                    inside.store(false, Ordering::Relaxed);
                    // SAFETY: the model checks that the lock is held.
                    unsafe { sys::IoReleaseCancelSpinLock(irql) };
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    machine.finish();
}

#[test]
fn the_cancel_lock_twice_and_not_at_all() {
    let machine = Machine::new();
    let mut irql = 0xFF;
    // SAFETY: the IRQL goes to a local variable.
    unsafe { sys::IoAcquireCancelSpinLock(&raw mut irql) };
    assert_eq!((irql, crate::irql::current()), (0, DISPATCH_LEVEL));
    let mut again = 0xFF;
    // SAFETY: the IRQL goes to a local variable.
    unsafe { sys::IoAcquireCancelSpinLock(&raw mut again) };
    // SAFETY: the model checks that the lock is held.
    unsafe { sys::IoReleaseCancelSpinLock(irql) };
    assert_eq!(crate::irql::current(), 0);
    // SAFETY: the model checks that the lock is held.
    unsafe { sys::IoReleaseCancelSpinLock(irql) };
    assert_kinds(
        &machine.into_report(),
        &[
            ViolationKind::CancelLockAlreadyOwned,
            ViolationKind::CancelLockNotOwned,
        ],
    );
}
