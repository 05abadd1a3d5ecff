//! `IofCompleteRequest`.

use std::ffi::c_void;
use std::sync::atomic::Ordering;

use wdm_irp::sys::{self, DEVICE_OBJECT, IRP, NTSTATUS, STATUS_SUCCESS, STATUS_UNSUCCESSFUL};

use super::support::{
    Counter, Irp, assert_kinds, count, has_entry, let_continue, machine_and_device, milliseconds,
    until,
};
use crate::io::major;
use crate::{Behavior, Device, Machine, ViolationKind, When};

#[test]
fn the_routine_gets_the_device_of_the_own_location_if_there_is_one() {
    let (machine, device) = machine_and_device();
    let own = machine.device(Behavior::complete(STATUS_SUCCESS, 0));
    for with_own in [false, true] {
        let counter = Counter::default();
        let irp = Irp::allocate(1 + i8::from(with_own));
        if with_own {
            irp.own_location();
            let current = irp.access().current().expect("its own");
            current.set_device_object(own.as_ptr());
        }
        irp.send(&counter, &device);
        assert_eq!(
            counter.had_device.load(Ordering::SeqCst),
            u32::from(with_own)
        );
        irp.free();
    }
    machine.finish();
}

#[test]
fn the_registration_decides_whether_the_routine_runs() {
    for (control, cancelled, status, runs) in [
        (sys::SL_INVOKE_ON_SUCCESS, false, STATUS_SUCCESS, true),
        (sys::SL_INVOKE_ON_SUCCESS, false, STATUS_UNSUCCESSFUL, false),
        (sys::SL_INVOKE_ON_SUCCESS, true, STATUS_UNSUCCESSFUL, false),
        (sys::SL_INVOKE_ON_ERROR, false, STATUS_SUCCESS, false),
        (sys::SL_INVOKE_ON_ERROR, false, STATUS_UNSUCCESSFUL, true),
        (sys::SL_INVOKE_ON_ERROR, true, STATUS_SUCCESS, false),
        (sys::SL_INVOKE_ON_CANCEL, false, STATUS_SUCCESS, false),
        (sys::SL_INVOKE_ON_CANCEL, true, STATUS_SUCCESS, true),
        (sys::SL_INVOKE_ON_CANCEL, true, STATUS_UNSUCCESSFUL, true),
    ] {
        let machine = Machine::new();
        let device = machine.device(Behavior::complete(status, 0));
        let counter = Counter::default();
        let irp = Irp::allocate(1);
        if cancelled {
            assert!(!irp.cancel());
        }
        irp.major(major::READ)
            .routine(count, counter.context())
            .control(control)
            .call(&device);
        assert_eq!(counter.calls(), u32::from(runs));
        irp.free();
        let mut expected = vec![ViolationKind::RoutineNotForAllOutcomes];
        if !runs {
            expected.push(ViolationKind::RoutineNotCalled);
        }
        assert_kinds(&machine.into_report(), &expected);
    }
}

#[test]
fn a_location_is_cleared_before_its_routine_runs() {
    unsafe extern "system" fn look(
        _: *mut DEVICE_OBJECT,
        irp: *mut IRP,
        context: *mut c_void,
    ) -> NTSTATUS {
        let location = Irp(irp).next();
        // SAFETY: the context is a `Counter` that outlives the IRP.
        let counter = unsafe { &*context.cast::<Counter>() };
        let control = location.control();
        counter.calls.store(u32::from(control), Ordering::SeqCst);
        let argument = location.other_parameters().Argument1;
        counter
            .pended
            .store(u32::from(!argument.is_null()), Ordering::SeqCst);
        sys::STATUS_MORE_PROCESSING_REQUIRED
    }
    let (machine, device) = machine_and_device();
    let counter = Counter::default();
    let mut buffer = [0; 4];
    let irp = Irp::allocate(1);
    irp.read(buffer.as_mut_ptr(), 4)
        .routine(look, counter.context())
        .call(&device);
    assert_eq!((counter.calls(), counter.pended()), (0, 0));
    irp.free();
    machine.finish();
}

#[test]
fn the_routine_lets_the_completion_continue() {
    let (machine, device) = machine_and_device();
    let irp = Irp::allocate(1);
    irp.major(major::READ)
        .routine(let_continue, std::ptr::null_mut())
        .call(&device);
    irp.free();
    assert_kinds(
        &machine.into_report(),
        &[ViolationKind::RoutineLetCompletionContinue],
    );
}

#[test]
fn completed_by_its_originator() {
    let machine = Machine::new();
    let irp = Irp::allocate(1);
    irp.complete();
    irp.free();
    assert_kinds(
        &machine.into_report(),
        &[ViolationKind::CompletedByOriginator],
    );
}

#[test]
fn completed_twice() {
    let machine = Machine::new();
    let device = machine.device(Behavior::custom(|irp| {
        let raw = irp.as_ptr();
        let status = irp.complete(STATUS_SUCCESS, 0);
        Irp(raw).complete();
        status
    }));
    let counter = Counter::default();
    let irp = Irp::allocate(1);
    irp.send(&counter, &device);
    assert_eq!(counter.calls(), 1);
    irp.free();
    let report = machine.into_report();
    assert_kinds(&report, &[ViolationKind::CompletedTwice]);
    assert!(
        report
            .to_string()
            .contains("MULTIPLE_IRP_COMPLETE_REQUESTS (0x44)")
    );
}

#[test]
fn completed_twice_at_once() {
    let machine = Machine::new();
    machine
        .faults()
        .delay(crate::DelayPoint::BeforeRoutine, milliseconds(100));
    let device = machine.device(Behavior::complete(STATUS_SUCCESS, 0).when(When::triggered()));
    let counter = Counter::default();
    let irp = Irp::allocate(1);
    irp.send(&counter, &device);
    let first = machine.spawn(move || device.complete_next(STATUS_SUCCESS, 0));
    until(|| has_entry(&machine, "IofCompleteRequest"));
    irp.complete();
    assert!(first.join().unwrap());
    assert_eq!(counter.calls(), 1);
    irp.free();
    assert_kinds(&machine.into_report(), &[ViolationKind::CompletedTwice]);
}

/// Completes the IRP and lets the completion continue, too: the routine of a filter.
unsafe extern "system" fn complete_again(
    _: *mut DEVICE_OBJECT,
    irp: *mut IRP,
    _: *mut c_void,
) -> NTSTATUS {
    Irp(irp).complete();
    STATUS_SUCCESS
}

/// Creates a filter on top of another device, with [`complete_again`] for its routine.
fn completing_again_over(machine: &Machine, lower: &Device) -> Device {
    let lower = lower.clone();
    machine.device(Behavior::custom(move |irp| {
        let raw = Irp(irp.as_ptr());
        std::mem::forget(irp);
        raw.major(major::READ)
            .routine(complete_again, std::ptr::null_mut())
            .call(&lower)
    }))
}

#[test]
fn a_filters_routine_completes_to_one_that_holds_back_and_lets_the_completion_continue() {
    let machine = Machine::new();
    let disk = machine.device(Behavior::complete(STATUS_SUCCESS, 0));
    let lower_filter = completing_again_over(&machine, &disk);
    let upper_filter = machine.device(Behavior::custom({
        let lower_filter = lower_filter.clone();
        move |irp| {
            let held_back = Counter::default();
            Irp(irp.as_ptr()).send(&held_back, &lower_filter);
            assert_eq!(held_back.calls(), 1);
            irp.complete(STATUS_SUCCESS, 0)
        }
    }));
    let counter = Counter::default();
    let irp = Irp::allocate(3);
    irp.send(&counter, &upper_filter);
    assert_eq!(counter.calls(), 1);
    irp.free();
    let report = machine.into_report();
    assert_kinds(&report, &[ViolationKind::CompletedTwice]);
    let detail = &report.violations[0].detail;
    assert!(detail.contains("let the completion continue"), "{detail}");
}

#[test]
fn a_filters_routine_completes_and_lets_the_completion_continue() {
    let machine = Machine::new();
    let disk = machine.device(Behavior::complete(STATUS_SUCCESS, 0));
    let filter = completing_again_over(&machine, &disk);
    let counter = Counter::default();
    let irp = Irp::allocate(2);
    irp.send(&counter, &filter);
    assert_eq!(counter.calls(), 1);
    irp.free();
    assert_kinds(&machine.into_report(), &[ViolationKind::CompletedTwice]);
}

#[test]
fn a_filter_may_hold_an_irp_back_in_its_routine_and_complete_it_later() {
    let machine = Machine::new();
    machine.strict_lower(true);
    let disk = machine.device(Behavior::complete(STATUS_SUCCESS, 0));
    let filter = machine.device(Behavior::custom({
        let disk = disk.clone();
        move |irp| {
            let counter = Counter::default();
            let raw = Irp(irp.as_ptr());
            let status = raw.send(&counter, &disk);
            assert_eq!((status, counter.calls()), (STATUS_SUCCESS, 1));
            irp.complete(STATUS_SUCCESS, 3)
        }
    }));
    let counter = Counter::default();
    let irp = Irp::allocate(2);
    irp.send(&counter, &filter);
    assert_eq!(counter.calls(), 1);
    irp.free();
    machine.finish();
}
