//! `IoReuseIrp`.

use std::ffi::c_void;
use std::sync::atomic::Ordering;

use wdm_irp::sys::{
    self, DEVICE_OBJECT, IRP, NTSTATUS, STATUS_DEVICE_BUSY, STATUS_NOT_SUPPORTED, STATUS_PENDING,
    STATUS_SUCCESS,
};

use super::support::{
    Counter, Irp, assert_kinds, has_entry, machine_and_device, machine_and_device_when,
    milliseconds, until,
};
use crate::io::major;
use crate::irql::raise;
use crate::{DelayPoint, Machine, ViolationKind, When};

#[test]
fn a_reused_irp_is_as_new() {
    let (machine, device) = machine_and_device();
    let counter = Counter::default();
    // SAFETY: the stack size is positive, as the DDI asks.
    let irp = Irp(unsafe { sys::IoAllocateIrp(2, 1) });
    let mut buffer = [0_u8; 4];
    irp.own_location();
    irp.read(buffer.as_mut_ptr(), 4).send(&counter, &device);
    irp.cancel();
    irp.reuse(STATUS_NOT_SUPPORTED);
    assert!(irp.access().is_irp());
    assert_eq!(irp.access().current_location(), 3);
    assert_eq!(irp.access().stack_count(), 2);
    assert_eq!(irp.status(), STATUS_NOT_SUPPORTED);
    assert_eq!(irp.access().information(), 0);
    assert!(!irp.access().cancel());
    assert!(irp.access().system_buffer().is_null());
    assert_eq!(irp.next().major_function(), 0);
    assert!(irp.next().completion_routine().is_none());
    // SAFETY: the IRP is this test's.
    assert_eq!(unsafe { (*irp.0).AllocationFlags }, 1, "quota was charged");
    for _ in 0..2 {
        irp.send(&counter, &device);
        irp.reuse(STATUS_SUCCESS);
    }
    assert_eq!(counter.calls(), 3);
    irp.free();
    assert!(has_entry(&machine, "IoReuseIrp(STATUS_NOT_SUPPORTED)"));
    machine.finish();
}

#[test]
fn a_reused_irp_has_not_been_sent() {
    let (machine, device) = machine_and_device();
    let counter = Counter::default();
    let irp = Irp::allocate(1);
    irp.send(&counter, &device);
    irp.reuse(STATUS_SUCCESS);
    irp.complete();
    irp.free();
    assert_kinds(
        &machine.into_report(),
        &[ViolationKind::CompletedByOriginator],
    );
}

/// What [`send_again`] needs.
struct Again {
    device: *mut DEVICE_OBJECT,
    counter: Counter,
}

/// Reuses the IRP and sends it again, once.
unsafe extern "system" fn send_again(
    _: *mut DEVICE_OBJECT,
    irp: *mut IRP,
    context: *mut c_void,
) -> NTSTATUS {
    // SAFETY: the context is an `Again` that outlives the IRP.
    let again = unsafe { &*context.cast::<Again>() };
    if again.counter.calls.fetch_add(1, Ordering::SeqCst) == 0 {
        let irp = Irp(irp);
        irp.reuse(STATUS_SUCCESS);
        irp.major(major::READ).routine(send_again, context);
        // SAFETY: the IRP is this routine's, with its next location filled in.
        unsafe { sys::IofCallDriver(again.device, irp.0) };
    }
    sys::STATUS_MORE_PROCESSING_REQUIRED
}

#[test]
fn a_completion_routine_may_reuse_and_send_again() {
    let (machine, device) = machine_and_device_when(When::inline_marked());
    let again = Again {
        device: device.as_ptr(),
        counter: Counter::default(),
    };
    let irp = Irp::allocate(1);
    irp.major(major::READ)
        .routine(send_again, (&raw const again).cast_mut().cast())
        .call(&device);
    assert_eq!(again.counter.calls(), 2);
    irp.free();
    machine.finish();
}

#[test]
fn reused_in_flight() {
    let (machine, device) = machine_and_device_when(When::triggered());
    let counter = Counter::default();
    let irp = Irp::allocate(1);
    assert_eq!(irp.send(&counter, &device), STATUS_PENDING);
    irp.reuse(STATUS_SUCCESS);
    assert!(device.complete_next(STATUS_DEVICE_BUSY, 0));
    assert_eq!(irp.status(), STATUS_DEVICE_BUSY);
    irp.free();
    assert_kinds(&machine.into_report(), &[ViolationKind::IrpReusedInFlight]);
}

#[test]
fn what_cannot_be_reused() {
    let machine = Machine::new();
    Irp(std::ptr::null_mut()).reuse(STATUS_SUCCESS);
    let irp = Irp::allocate(1);
    irp.free();
    irp.reuse(STATUS_SUCCESS);
    let broken = Irp::allocate(1);
    // SAFETY: the IRP is this test's.
    unsafe { (*broken.0).Type = 0 };
    broken.reuse(STATUS_SUCCESS);
    // SAFETY: as above.
    unsafe { (*broken.0).Type = 6 };
    broken.free();
    assert_kinds(
        &machine.into_report(),
        &[
            ViolationKind::IrpNotReusable,
            ViolationKind::FreedIrpUsed,
            ViolationKind::IrpCorrupted,
        ],
    );
}

#[test]
#[cfg(not(miri))] // Miri stops at the write itself.
fn an_overrun_is_seen_when_the_irp_is_reused() {
    let machine = Machine::new();
    let irp = Irp::allocate(1);
    // SAFETY: not valid in the kernel; the model has put a guard at the location that this marks.
    unsafe { sys::IoMarkIrpPending(irp.0) };
    irp.reuse(STATUS_SUCCESS);
    let found = machine.take_violations();
    assert_eq!(found[0].kind, ViolationKind::IrpOverrun);
    irp.free();
    assert_kinds(&machine.into_report(), &[ViolationKind::IrpOverrun]);
}

#[test]
fn reused_while_it_is_being_cancelled() {
    let machine = Machine::new();
    let long = milliseconds(100);
    machine.faults().delay(DelayPoint::BeforeCancel, long);
    let irp = Irp::allocate(1);
    let canceller = machine.spawn(move || irp.cancel());
    until(|| has_entry(&machine, "IoCancelIrp"));
    irp.reuse(STATUS_SUCCESS);
    assert!(!canceller.join().unwrap());
    assert!(irp.access().cancel(), "it was not made fresh");
    irp.free();
    assert_kinds(
        &machine.into_report(),
        &[ViolationKind::IrpReusedDuringCancel],
    );
}

#[test]
fn a_late_cancel_is_reported_with_who_is_to_blame() {
    let (machine, device) = machine_and_device();
    let counter = Counter::default();
    let irp = Irp::allocate(1);
    irp.send(&counter, &device);
    irp.cancel();
    irp.reuse(STATUS_SUCCESS);
    assert!(!machine.spawn(move || irp.cancel()).join().unwrap());
    assert!(!irp.access().cancel(), "the IRP is left alone");
    irp.free();
    irp.cancel();
    let report = machine.into_report();
    assert_kinds(
        &report,
        &[
            ViolationKind::ReusedIrpCancelled,
            ViolationKind::FreedIrpUsed,
        ],
    );
    let details = [
        "IoCancelIrp by the originator on an IRP that the originator on thread originator has \
         made fresh by IoReuseIrp and not sent",
        "IoCancelIrp by the originator on an IRP that the originator on thread originator has \
         freed",
    ];
    for (violation, detail) in report.violations.iter().zip(details) {
        assert_eq!(violation.detail, detail);
    }
}

#[test]
fn the_irql_of_reuse() {
    let machine = Machine::new();
    let irp = Irp::allocate(1);
    {
        let _raised = raise(2);
        irp.reuse(STATUS_SUCCESS);
    }
    assert!(machine.take_violations().is_empty());
    {
        let _raised = raise(3);
        irp.reuse(STATUS_SUCCESS);
        irp.free();
    }
    assert_kinds(&machine.into_report(), &[ViolationKind::IrqlTooHigh; 2]);
}
