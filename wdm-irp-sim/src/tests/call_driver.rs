//! `IofCallDriver`.

use std::ffi::c_void;
use std::sync::atomic::Ordering;
use std::time::Duration;

use wdm_irp::sys::{
    self, APC_LEVEL, DEVICE_OBJECT, DISPATCH_LEVEL, IRP, NTSTATUS, STATUS_DEVICE_BUSY,
    STATUS_INVALID_DEVICE_REQUEST, STATUS_INVALID_PARAMETER, STATUS_NOT_SUPPORTED, STATUS_SUCCESS,
    STATUS_UNSUCCESSFUL,
};

use super::support::{
    Counter, Irp, assert_kinds, count, machine_and_device, machine_and_device_when, milliseconds,
    send_and_wait,
};
use crate::io::major;
use crate::{Behavior, DelayPoint, Device, Machine, ViolationKind, When, irql};

#[test]
fn inline() {
    let machine = Machine::new();
    let device = machine.device(Behavior::complete(STATUS_DEVICE_BUSY, 7));
    let counter = Counter::default();
    let irp = Irp::allocate(1);
    irp.major(major::READ).routine(count, counter.context());
    assert_eq!(irp.call(&device), STATUS_DEVICE_BUSY);
    assert_eq!((counter.calls(), counter.pended()), (1, 0));
    assert_eq!(irp.status(), STATUS_DEVICE_BUSY);
    irp.free();
    machine.finish();
}

#[test]
fn an_irp_can_be_sent_again_from_its_routine() {
    /// Sends the IRP three times in all.
    unsafe extern "system" fn again(
        _: *mut DEVICE_OBJECT,
        irp: *mut IRP,
        context: *mut c_void,
    ) -> NTSTATUS {
        // SAFETY: the context is the pair of the test below, which outlives the IRP.
        let (counter, device) = unsafe { &*context.cast::<(Counter, Device)>() };
        if counter.calls.fetch_add(1, Ordering::SeqCst) < 2 {
            Irp(irp)
                .major(major::READ)
                .routine(again, context)
                .call(device);
        }
        sys::STATUS_MORE_PROCESSING_REQUIRED
    }
    let machine = Machine::new();
    machine.strict_lower(true);
    let device = machine.device(Behavior::sequence([
        Behavior::complete(STATUS_SUCCESS, 0),
        Behavior::complete(STATUS_SUCCESS, 0).when(When::before_return()),
        Behavior::complete(STATUS_UNSUCCESSFUL, 0).when(When::inline_marked()),
    ]));
    let context = (Counter::default(), device.clone());
    let irp = Irp::allocate(1);
    irp.major(major::READ)
        .routine(again, std::ptr::from_ref(&context).cast_mut().cast())
        .call(&device);
    assert_eq!(context.0.calls(), 3);
    assert_eq!(irp.status(), STATUS_UNSUCCESSFUL);
    irp.free();
    machine.finish();
}

#[test]
fn a_delay_after_the_dispatch_routine_lets_the_completion_overtake() {
    let machine = Machine::new();
    machine
        .faults()
        .delay(DelayPoint::AfterDispatch, milliseconds(200));
    let device = machine
        .device(Behavior::complete(STATUS_SUCCESS, 0).when(When::after(Duration::from_millis(1))));
    send_and_wait(&device);
    let timeline = machine.timeline();
    let position = |text: &str| {
        timeline
            .entries()
            .iter()
            .position(|entry| entry.text.starts_with(text))
            .unwrap()
    };
    assert!(position("KeSetEvent") < position("IofCallDriver returned"));
    machine.finish();
}

#[test]
fn not_a_device() {
    let machine = Machine::new();
    let irp = Irp::allocate(1);
    // SAFETY: the model checks the device, and leaves the IRP alone.
    let status = unsafe { sys::IofCallDriver(std::ptr::null_mut(), irp.0) };
    assert_eq!(status, STATUS_INVALID_PARAMETER);
    irp.free();
    assert_kinds(&machine.into_report(), &[ViolationKind::UnknownDevice]);
}

#[test]
fn too_few_stack_locations() {
    let machine = Machine::new();
    let disk = machine.device(Behavior::complete(STATUS_SUCCESS, 0));
    let filter = machine.filter_over(&disk);
    let counter = Counter::default();
    let irp = Irp::allocate(1);
    irp.major(major::READ).routine(count, counter.context());
    assert_eq!(irp.call(&filter), STATUS_INVALID_DEVICE_REQUEST);
    assert_eq!(counter.calls(), 1);
    assert_eq!(irp.status(), STATUS_INVALID_DEVICE_REQUEST);
    assert!(disk.received().is_empty());
    irp.free();
    assert_kinds(
        &machine.into_report(),
        &[ViolationKind::NoMoreStackLocations],
    );
}

#[test]
fn no_stack_location_left_for_the_originator() {
    let (machine, device) = machine_and_device();
    let irp = Irp::allocate(1);
    irp.own_location();
    assert_eq!(irp.call(&device), STATUS_INVALID_PARAMETER);
    irp.free();
    assert_kinds(
        &machine.into_report(),
        &[ViolationKind::NoMoreStackLocations],
    );
}

#[test]
fn sent_while_in_flight() {
    let (machine, device) = machine_and_device_when(When::triggered());
    let counter = Counter::default();
    let irp = Irp::allocate(2);
    irp.send(&counter, &device);
    assert_eq!(irp.call(&device), STATUS_INVALID_PARAMETER);
    assert!(device.complete_next(STATUS_SUCCESS, 0));
    irp.free();
    assert_kinds(&machine.into_report(), &[ViolationKind::SentInFlight]);
}

#[test]
fn sent_without_routine() {
    let (machine, device) = machine_and_device();
    let irp = Irp::allocate(1);
    irp.major(major::READ).call(&device);
    irp.free();
    let report = machine.into_report();
    assert_kinds(
        &report,
        &[
            ViolationKind::SentWithoutRoutine,
            ViolationKind::RoutineNotCalled,
        ],
    );
    assert!(report.to_string().contains("rule IoAllocateForward"));
}

#[test]
fn sent_with_half_a_registration() {
    for with_routine in [false, true] {
        let (machine, device) = machine_and_device();
        let counter = Counter::default();
        let irp = Irp::allocate(1).major(major::READ);
        if with_routine {
            irp.routine(count, counter.context()).control(0);
        } else {
            irp.control(sys::SL_INVOKE_ALWAYS);
        }
        irp.call(&device);
        assert_eq!(counter.calls(), 0);
        irp.free();
        assert_kinds(
            &machine.into_report(),
            &[
                ViolationKind::SentWithoutRoutine,
                ViolationKind::RoutineNotCalled,
            ],
        );
    }
}

#[test]
fn requests_that_must_start_with_not_supported() {
    let (machine, device) = machine_and_device();
    let counter = Counter::default();
    let irp = Irp::allocate(1);
    for (major, kind) in [
        (0x1B, ViolationKind::PnpIrpStatus),
        (0x16, ViolationKind::PowerIrpStatus),
        (0x17, ViolationKind::WmiIrpStatus),
    ] {
        irp.reuse(STATUS_NOT_SUPPORTED);
        irp.major(major)
            .routine(count, counter.context())
            .call(&device);
        assert!(machine.take_violations().is_empty());
        irp.reuse(STATUS_SUCCESS);
        irp.major(major)
            .routine(count, counter.context())
            .call(&device);
        let found = machine.take_violations();
        assert_eq!(found[0].kind, kind);
        assert!(found[0].detail.ends_with("that starts with STATUS_SUCCESS"));
    }
    irp.free();
    machine.finish();
}

#[test]
fn irql() {
    let (machine, device) = machine_and_device();
    let counter = Counter::default();
    let irp = Irp::allocate(1);
    {
        let _raised = irql::raise(APC_LEVEL);
        // IRP_MJ_FLUSH_BUFFERS
        irp.major(9).routine(count, counter.context()).call(&device);
    }
    assert!(machine.take_violations().is_empty());
    {
        let _raised = irql::raise(DISPATCH_LEVEL);
        irp.send(&counter, &device);
        assert!(machine.take_violations().is_empty());
        irp.major(9).routine(count, counter.context()).call(&device);
        assert_eq!(
            machine.take_violations()[0].kind,
            ViolationKind::SentAtBadIrql
        );
    }
    {
        let _raised = irql::raise(DISPATCH_LEVEL + 1);
        irp.free();
    }
    assert_kinds(&machine.into_report(), &[ViolationKind::IrqlTooHigh]);
}

#[test]
fn a_dispatch_routine_that_leaves_the_irql_raised() {
    let machine = Machine::new();
    let device = machine.device(Behavior::custom(|irp| {
        std::mem::forget(irql::raise(DISPATCH_LEVEL));
        irp.complete(STATUS_SUCCESS, 0)
    }));
    send_and_wait(&device);
    crate::kernel::this_thread::set_irql(0);
    assert_kinds(&machine.into_report(), &[ViolationKind::IrqlChanged]);
}
