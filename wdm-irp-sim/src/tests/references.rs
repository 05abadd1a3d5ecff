//! References to devices: `ObfReferenceObject`, `ObfDereferenceObject` and
//! `IoGetAttachedDeviceReference`.

use std::ffi::c_void;

use wdm_irp::sys::{self, DEVICE_OBJECT, STATUS_INVALID_PARAMETER, STATUS_PENDING, STATUS_SUCCESS};

use super::support::{
    Counter, Irp, Object, assert_kinds, has_entry, machine_and_device, machine_and_device_when,
};
use crate::irql::raise;
use crate::{Device, Machine, ViolationKind, When};

/// Calls `IoGetAttachedDeviceReference`.
fn attached(device: &Device) -> *mut DEVICE_OBJECT {
    // SAFETY: a device object, which the ledger checks.
    unsafe { sys::IoGetAttachedDeviceReference(device.as_ptr()) }
}

/// Reads `StackSize`.
fn stack_size(device: &Device) -> i8 {
    // SAFETY: the memory of a device stays until its machine ends.
    unsafe { (*device.as_ptr()).StackSize }
}

#[test]
fn references_are_counted() {
    let (machine, device) = machine_and_device();
    let object = Object::of(&device);
    assert_eq!(object.reference(), 2);
    assert_eq!(object.reference(), 3);
    assert_eq!(device.references(), 2);
    assert_eq!(object.dereference(), 2);
    // SAFETY: the reference is this test's.
    unsafe { sys::ObDereferenceObjectDeferDelete(object.0) };
    assert_eq!(device.references(), 0);
    assert!(has_entry(
        &machine,
        "ObfReferenceObject(device 1) returned 3"
    ));
    assert!(has_entry(
        &machine,
        "ObDereferenceObjectDeferDelete(device 1)"
    ));
    machine.finish();
}

#[test]
fn a_reference_is_never_released() {
    let (machine, device) = machine_and_device();
    Object::of(&device).reference();
    let report = machine.into_report();
    assert_kinds(&report, &[ViolationKind::ObjectLeaked]);
    let text = "1 references to device 1 were never released";
    assert!(report.to_string().contains(text), "{report}");
}

#[test]
fn a_reference_is_released_that_nobody_has() {
    let (machine, device) = machine_and_device();
    assert_eq!(Object::of(&device).dereference(), 0);
    // SAFETY: the ledger checks the object.
    unsafe { sys::ObDereferenceObjectDeferDelete(device.as_ptr().cast()) };
    assert_kinds(
        &machine.into_report(),
        &[ViolationKind::ObjectOverDereferenced; 2],
    );
}

#[test]
fn what_is_no_object() {
    let machine = Machine::new();
    let irp = Irp::allocate(1);
    for address in [std::ptr::null_mut::<c_void>(), irp.0.cast()] {
        assert_eq!(Object(address).reference(), 0);
        assert_eq!(Object(address).dereference(), 0);
    }
    // SAFETY: the ledger checks the object.
    let top = unsafe { sys::IoGetAttachedDeviceReference(irp.0.cast()) };
    assert_eq!(top.addr(), irp.0.addr());
    irp.free();
    let mut expected = vec![ViolationKind::UnknownObject; 4];
    expected.push(ViolationKind::UnknownDevice);
    assert_kinds(&machine.into_report(), &expected);
}

#[test]
fn the_top_of_a_stack() {
    let (machine, bottom) = machine_and_device();
    let middle = machine.filter_over(&bottom);
    let top = machine.filter_over(&bottom);
    for (device, expected) in [(&bottom, &top), (&middle, &top), (&top, &top)] {
        assert_eq!(attached(device), expected.as_ptr());
        assert_eq!(top.references(), 1);
        Object::of(&top).dereference();
    }
    middle.delete();
    assert_eq!(attached(&bottom), top.as_ptr());
    Object::of(&top).dereference();
    top.delete();
    assert_eq!(attached(&bottom), bottom.as_ptr());
    Object::of(&bottom).dereference();
    // A device that is attached to itself would be a ring.
    bottom.attach_to(&bottom);
    assert_eq!(attached(&bottom), bottom.as_ptr());
    Object::of(&bottom).dereference();
    machine.finish();
}

#[test]
fn a_deleted_device_stays_while_it_is_referenced() {
    let (machine, device) = machine_and_device();
    let counter = Counter::default();
    let irp = Irp::allocate(1);
    let object = Object::of(&device);
    object.reference();
    device.delete();
    assert_eq!(stack_size(&device), 1);
    assert_eq!(irp.send(&counter, &device), STATUS_SUCCESS);
    assert_eq!(object.reference(), 2);
    assert_eq!(object.dereference(), 1);
    assert_eq!(object.dereference(), 0);
    assert_ne!(stack_size(&device), 1, "it is poison");
    assert!(machine.take_violations().is_empty());
    assert_eq!(irp.send(&counter, &device), STATUS_INVALID_PARAMETER);
    object.reference();
    object.dereference();
    assert_eq!(attached(&device), device.as_ptr());
    irp.free();
    assert_kinds(
        &machine.into_report(),
        &[
            ViolationKind::DeletedObjectUsed,
            ViolationKind::DeletedObjectUsed,
            ViolationKind::DeletedObjectUsed,
            ViolationKind::UnknownDevice,
        ],
    );
}

#[test]
fn a_device_is_deleted_while_it_has_a_request() {
    for referenced in [false, true] {
        let (machine, device) = machine_and_device_when(When::triggered());
        let counter = Counter::default();
        let (irp, object) = (Irp::allocate(1), Object::of(&device));
        if referenced {
            object.reference();
        }
        assert_eq!(irp.send(&counter, &device), STATUS_PENDING);
        device.delete();
        assert!(device.complete_next(STATUS_SUCCESS, 0));
        if referenced {
            object.dereference();
        }
        irp.free();
        let expected = [ViolationKind::ObjectDeletedInUse];
        let expected = if referenced { &[][..] } else { &expected };
        assert_kinds(&machine.into_report(), expected);
    }
}

#[test]
fn the_irql_of_references() {
    let (machine, device) = machine_and_device();
    for irql in [2, 3] {
        let _raised = raise(irql);
        let object = Object::of(&device);
        object.reference();
        object.dereference();
        attached(&device);
        // SAFETY: the reference is this test's.
        unsafe { sys::ObDereferenceObjectDeferDelete(object.0) };
    }
    assert_kinds(&machine.into_report(), &[ViolationKind::IrqlTooHigh; 4]);
}
