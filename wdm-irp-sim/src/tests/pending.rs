//! The contract about pending requests.

use std::ffi::c_void;
use std::sync::atomic::Ordering;
use std::time::Duration;

use wdm_irp::sys::{
    self, DEVICE_OBJECT, IRP, NTSTATUS, SL_INVOKE_ALWAYS, STATUS_DEVICE_BUSY, STATUS_PENDING,
    STATUS_SUCCESS, STATUS_UNSUCCESSFUL,
};

use super::support::{Counter, Event, Irp, assert_kinds, let_continue, send_and_wait, signal};
use crate::io::irp::set_current_location;
use crate::io::major;
use crate::{Behavior, Device, DeviceOptions, Machine, ViolationKind, When};

const SOON: Duration = Duration::from_millis(5);

#[test]
fn every_legal_way_to_pend() {
    let machine = Machine::new();
    machine.strict_lower(true);
    for when in [
        When::inline_marked(),
        When::before_return(),
        When::after(SOON),
        When::after(SOON).cancelable(),
        When::after(Duration::ZERO),
    ] {
        let device = machine.device(Behavior::complete(STATUS_UNSUCCESSFUL, 0).when(when));
        assert_eq!(
            send_and_wait(&device),
            (STATUS_PENDING, STATUS_UNSUCCESSFUL),
            "{when:?}"
        );
    }
    machine.finish();
}

#[test]
fn filters_propagate_the_pending_mark() {
    let machine = Machine::new();
    machine.strict_lower(true);
    let disk = machine
        .device(Behavior::complete(STATUS_SUCCESS, 0).when(When::after(Duration::from_millis(1))));
    let middle = machine.filter_over(&disk);
    let top = machine.filter_over(&middle);
    assert_eq!(top.stack_size(), 3);
    assert_eq!(send_and_wait(&top), (STATUS_PENDING, STATUS_SUCCESS));
    let received = &disk.received()[0];
    assert_eq!((received.location, received.stack_count), (1, 3));
    assert_eq!(received.control & SL_INVOKE_ALWAYS, SL_INVOKE_ALWAYS);
    disk.set_behavior(Behavior::complete(STATUS_DEVICE_BUSY, 0));
    assert_eq!(
        send_and_wait(&top),
        (STATUS_DEVICE_BUSY, STATUS_DEVICE_BUSY)
    );
    machine.finish();
}

/// Returns the device that a raw one passes requests on to.
fn below(device: *mut DEVICE_OBJECT) -> *mut DEVICE_OBJECT {
    // SAFETY: the device is one of `raw_over`, which has put the lower one there.
    unsafe { (*device).DeviceExtension }.cast()
}

/// Creates a device on top of another one, which its dispatch routine finds by [`below`].
fn raw_over(
    machine: &Machine,
    lower: &Device,
    name: &str,
    dispatch: unsafe extern "system" fn(*mut DEVICE_OBJECT, *mut IRP) -> NTSTATUS,
) -> Device {
    let options = DeviceOptions::new(name).stack_size(lower.stack_size() + 1);
    // SAFETY: the dispatch routines of this module pass each IRP on, and leave it alone afterwards.
    let device = unsafe { machine.raw_device(options, Some(dispatch)) };
    // SAFETY: the device is alive, and nobody but its dispatch routine looks at the field.
    unsafe { (*device.as_ptr()).DeviceExtension = lower.as_ptr().cast() };
    device
}

/// Passes the request on without a routine.
unsafe extern "system" fn pass_down(device: *mut DEVICE_OBJECT, irp: *mut IRP) -> NTSTATUS {
    Irp(irp).major(major::READ).control(0);
    // SAFETY: the IRP is at this driver, and its next location is filled in.
    unsafe { sys::IofCallDriver(below(device), irp) }
}

/// Shows that the I/O manager propagates the mark where there is no routine.
#[test]
fn a_location_without_routine_propagates_the_pending_mark() {
    unsafe extern "system" fn mark_and_pass_down(
        device: *mut DEVICE_OBJECT,
        irp: *mut IRP,
    ) -> NTSTATUS {
        // SAFETY: the IRP is allocated, and at this driver.
        unsafe { sys::IoMarkIrpPending(irp) };
        // SAFETY: as above.
        unsafe { pass_down(device, irp) }
    }
    for dispatch in [
        pass_down as unsafe extern "system" fn(*mut DEVICE_OBJECT, *mut IRP) -> NTSTATUS,
        mark_and_pass_down,
    ] {
        let machine = Machine::new();
        machine.strict_lower(true);
        let disk =
            machine.device(Behavior::complete(STATUS_SUCCESS, 0).when(When::before_return()));
        let top = raw_over(&machine, &disk, "top", dispatch);
        let counter = Counter::default();
        let irp = Irp::allocate(2);
        assert_eq!(irp.send(&counter, &top), STATUS_PENDING);
        assert_eq!((counter.calls(), counter.pended()), (1, 1));
        irp.free();
        machine.finish();
    }
}

#[test]
fn a_missing_mark_is_that_of_the_driver_whose_location_it_is() {
    unsafe extern "system" fn pass_down_with_routine(
        device: *mut DEVICE_OBJECT,
        irp: *mut IRP,
    ) -> NTSTATUS {
        Irp(irp)
            .major(major::READ)
            .routine(let_continue, std::ptr::null_mut());
        // SAFETY: the IRP is at this driver, and its next location is filled in.
        unsafe { sys::IofCallDriver(below(device), irp) }
    }
    /// Gives its own location to the lower driver (`IoSkipCurrentIrpStackLocation`).
    unsafe extern "system" fn skip(device: *mut DEVICE_OBJECT, irp: *mut IRP) -> NTSTATUS {
        let access = Irp(irp).access();
        set_current_location(access, access.current_location() + 1);
        // SAFETY: the IRP is at this driver, and its next location is filled in.
        unsafe { sys::IofCallDriver(below(device), irp) }
    }
    let machine = Machine::new();
    machine.strict_lower(true);
    let disk = machine.device(Behavior::complete(STATUS_SUCCESS, 0).when(When::before_return()));
    let middle = raw_over(&machine, &disk, "middle", skip);
    let top = raw_over(&machine, &middle, "top", pass_down_with_routine);
    let counter = Counter::default();
    let irp = Irp::allocate(2);
    irp.send(&counter, &top);
    assert_eq!((counter.calls(), counter.pended()), (1, 0));
    irp.free();
    let report = machine.into_report();
    assert_kinds(&report, &[ViolationKind::PendingContract]);
    assert_eq!(
        report.violations[0].detail,
        "top returned STATUS_PENDING and has not marked the IRP pending"
    );
}

#[test]
fn an_earlier_round_is_still_judged_when_its_routine_has_sent_the_irp_again() {
    unsafe extern "system" fn once_more(
        _: *mut DEVICE_OBJECT,
        irp: *mut IRP,
        context: *mut c_void,
    ) -> NTSTATUS {
        // SAFETY: the context is the pair of the test below, which outlives the IRP.
        let (counter, device) = unsafe { &*context.cast::<(Counter, Device)>() };
        if counter.calls.fetch_add(1, Ordering::SeqCst) == 0 {
            Irp(irp)
                .major(major::READ)
                .routine(once_more, context)
                .call(device);
        }
        sys::STATUS_MORE_PROCESSING_REQUIRED
    }
    let machine = Machine::new();
    machine.strict_lower(true);
    let honest = Behavior::complete(STATUS_SUCCESS, 0).when(When::inline_marked());
    let breach = When::inline_marked().returning(STATUS_SUCCESS);
    let device = machine.device(Behavior::sequence([
        Behavior::complete(STATUS_SUCCESS, 0).when(breach),
        honest,
    ]));
    let context = (Counter::default(), device.clone());
    let irp = Irp::allocate(1);
    irp.major(major::READ)
        .routine(once_more, std::ptr::from_ref(&context).cast_mut().cast())
        .call(&device);
    assert_eq!(context.0.calls(), 2);
    irp.free();
    assert_kinds(&machine.into_report(), &[ViolationKind::PendingContract]);
}

#[test]
fn contract_breakers_are_notes_or_violations_as_the_test_wants() {
    for (when, breach) in [
        (When::before_return().unmarked(), "has not marked"),
        (When::after(SOON).unmarked(), "has not marked"),
        (
            When::triggered().returning(STATUS_SUCCESS),
            "without having completed",
        ),
        (
            When::before_return().returning(STATUS_SUCCESS),
            "has marked the IRP pending and returned STATUS_SUCCESS",
        ),
        (
            When::inline_marked().returning(STATUS_SUCCESS),
            "has marked the IRP pending and returned STATUS_SUCCESS",
        ),
        (
            When::triggered().unmarked().returning(STATUS_SUCCESS),
            "without having completed",
        ),
        (When::inline().returning(STATUS_PENDING), "has not marked"),
    ] {
        for strict in [false, true] {
            let machine = Machine::new();
            machine.strict_lower(strict);
            let device = machine.device(Behavior::complete(STATUS_SUCCESS, 0).when(when));
            let event = Event::notification();
            let irp = Irp::allocate(1);
            irp.major(major::READ)
                .routine(signal, event.context())
                .call(&device);
            device.complete_next(STATUS_SUCCESS, 0);
            assert_eq!(event.wait(None), STATUS_SUCCESS);
            irp.free();
            let text = machine.timeline().to_text();
            let report = machine.into_report();
            event.free();
            if strict {
                assert_kinds(&report, &[ViolationKind::PendingContract]);
                assert!(report.violations[0].detail.contains(breach), "{report}");
            } else {
                assert_kinds(&report, &[]);
                assert!(text.contains(breach), "{when:?}\n{text}");
            }
        }
    }
}

#[test]
fn completing_with_pending_is_a_breach() {
    let machine = Machine::new();
    machine.strict_lower(true);
    let device = machine.device(Behavior::complete(STATUS_PENDING, 0).when(When::before_return()));
    assert_eq!(send_and_wait(&device), (STATUS_PENDING, STATUS_PENDING));
    assert_kinds(
        &machine.into_report(),
        &[ViolationKind::CompletedWithPending],
    );
}
