//! Modeled lower drivers.

use std::time::Duration;

use wdm_irp::sys::{
    APC_LEVEL, DISPATCH_LEVEL, SL_INVOKE_ALWAYS, STATUS_DEVICE_BUSY, STATUS_INVALID_DEVICE_REQUEST,
    STATUS_PENDING, STATUS_SUCCESS, STATUS_UNSUCCESSFUL,
};

use super::support::{
    Counter, Irp, assert_kinds, count, machine_and_device, machine_and_device_when, send_and_wait,
};
use crate::io::major;
use crate::{Behavior, Machine, Parameters, ViolationKind, When, irql};

#[test]
fn pended_completions_run_at_dispatch_level_on_another_thread() {
    let machine = Machine::new();
    let device = machine.device(
        Behavior::respond(|_| (STATUS_SUCCESS, usize::from(irql::current())))
            .when(When::before_return()),
    );
    for (level, behavior) in [
        (DISPATCH_LEVEL, None),
        (
            APC_LEVEL,
            Some(
                Behavior::respond(|_| (STATUS_SUCCESS, usize::from(irql::current())))
                    .when(When::before_return())
                    .at_irql(APC_LEVEL),
            ),
        ),
    ] {
        if let Some(behavior) = behavior {
            device.set_behavior(behavior);
        }
        let counter = Counter::default();
        let irp = Irp::allocate(1);
        irp.send(&counter, &device);
        assert_eq!((counter.calls(), counter.pended()), (1, 1));
        assert_eq!(irp.access().information(), usize::from(level));
        irp.free();
    }
    let text = machine.timeline().to_text();
    assert!(text.contains("worker 1"), "{text}");
    machine.finish();
}

#[test]
fn data_arrives_in_the_system_buffer_and_the_driver_remembers_what_it_got() {
    let machine = Machine::new();
    let device = machine.device(Behavior::transfer());
    let counter = Counter::default();
    let mut buffer = [0_u8; 4];
    let start = buffer.as_mut_ptr();
    let irp = Irp::allocate(1);
    irp.read(start, 4)
        .routine(count, counter.context())
        .call(&device);
    // SAFETY: the array is alive, and the driver has given the IRP back.
    assert_eq!(unsafe { start.cast::<[u8; 4]>().read() }, [16, 17, 18, 19]);
    irp.free();
    let received = &device.received()[0];
    assert_eq!(
        received.parameters,
        Parameters::Transfer {
            length: 4,
            key: 0,
            byte_offset: 16
        }
    );
    assert_eq!(received.control, SL_INVOKE_ALWAYS);
    machine.finish();
}

#[test]
fn the_driver_remembers_flags_and_minor_function() {
    let (machine, device) = machine_and_device();
    let counter = Counter::default();
    let irp = Irp::allocate(1);
    irp.major(major::READ).routine(count, counter.context());
    irp.next().set_flags(0x10);
    irp.next().set_function(major::READ, 2);
    irp.call(&device);
    irp.free();
    let received = &device.received()[0];
    assert_eq!((received.flags, received.minor), (0x10, 2));
    machine.finish();
}

#[test]
fn the_test_completes_when_it_likes() {
    let (machine, device) = machine_and_device_when(When::triggered());
    let sender = {
        let device = device.clone();
        machine.spawn(move || send_and_wait(&device))
    };
    device.wait_until_pending(1);
    assert_eq!(device.pending(), 1);
    assert!(device.complete_next(STATUS_DEVICE_BUSY, 0));
    assert!(!device.complete_next(STATUS_DEVICE_BUSY, 0));
    assert_eq!(sender.join().unwrap(), (STATUS_PENDING, STATUS_DEVICE_BUSY));
    machine.finish();
}

#[test]
fn custom_dispatch_routines() {
    let machine = Machine::new();
    machine.strict_lower(true);
    let device = machine.device(Behavior::custom(|irp| {
        if irp.minor() == 0 {
            irp.complete_after(Duration::ZERO, STATUS_SUCCESS, 1)
        } else {
            irp.complete(STATUS_INVALID_DEVICE_REQUEST, 0)
        }
    }));
    assert_eq!(send_and_wait(&device), (STATUS_PENDING, STATUS_SUCCESS));
    machine.finish();
}

#[test]
fn a_driver_that_panics_is_reported_and_its_irp_completed() {
    let machine = Machine::new();
    let device = machine.device(Behavior::custom(|irp| {
        assert_eq!(irp.major(), 0x7F, "a driver's own check");
        irp.complete(STATUS_SUCCESS, 0)
    }));
    assert_eq!(
        send_and_wait(&device),
        (STATUS_UNSUCCESSFUL, STATUS_UNSUCCESSFUL)
    );
    let violations = machine.take_violations();
    assert_eq!(violations[0].kind, ViolationKind::DriverPanicked);
    assert!(violations[0].detail.contains("a driver's own check"));
    machine.finish();
}

#[test]
fn lost_by_its_driver() {
    let machine = Machine::new();
    let device = machine.device(Behavior::custom(|irp| {
        irp.mark_pending();
        STATUS_PENDING
    }));
    let counter = Counter::default();
    Irp::allocate(1).send(&counter, &device);
    let report = machine.into_report();
    assert_kinds(&report, &[ViolationKind::IrpLeaked]);
    assert!(report.to_string().contains("the driver has lost the IRP"));
}
