//! `IoSetCompletionRoutineEx`.

use std::ffi::c_void;
use std::sync::atomic::Ordering;

use wdm_irp::sys::{
    self, DEVICE_OBJECT, IRP, NTSTATUS, NonPagedPoolNx, STATUS_INSUFFICIENT_RESOURCES,
    STATUS_INVALID_PARAMETER, STATUS_MORE_PROCESSING_REQUIRED, STATUS_PENDING, STATUS_SUCCESS,
};

use super::support::{
    Counter, Irp, Object, assert_kinds, count, machine_and_device, machine_and_device_when,
};
use crate::io::major;
use crate::irql::raise;
use crate::{Allocation, Device, Machine, ViolationKind, When};

/// Registers the routine that counts, for all outcomes.
fn register(device: &Device, irp: Irp, counter: &Counter) -> NTSTATUS {
    register_with(device, irp, count, counter.context(), [1; 3])
}

fn register_with(
    device: &Device,
    irp: Irp,
    routine: unsafe extern "system" fn(*mut DEVICE_OBJECT, *mut IRP, *mut c_void) -> NTSTATUS,
    context: *mut c_void,
    [success, error, cancel]: [u8; 3],
) -> NTSTATUS {
    let (device, routine) = (device.as_ptr(), Some(routine));
    // SAFETY: the model checks device and IRP; the tests keep the context alive.
    unsafe {
        sys::IoSetCompletionRoutineEx(device, irp.0, routine, context, success, error, cancel)
    }
}

/// Creates a machine, its own device, and a lower one that completes when it is told.
fn machine_and_stack(when: When) -> (Machine, Device, Device) {
    let (machine, lower) = machine_and_device_when(when);
    let own = machine.own_device_over(&lower);
    (machine, own, lower)
}

#[test]
fn a_registered_routine_is_called_once() {
    let (machine, own, lower) = machine_and_stack(When::inline());
    let counter = Counter::default();
    let irp = Irp::allocate(lower.stack_size());
    for round in 1..=2 {
        assert_eq!(register(&own, irp, &counter), STATUS_SUCCESS);
        assert_eq!(irp.next().control(), sys::SL_INVOKE_ALWAYS);
        irp.major(major::READ).call(&lower);
        assert_eq!(counter.calls(), round);
        irp.reuse(STATUS_SUCCESS);
    }
    irp.free();
    assert_eq!(own.references(), 0);
    machine.finish();
}

#[test]
fn the_flags_of_a_registration() {
    let (machine, own, lower) = machine_and_stack(When::inline());
    let counter = Counter::default();
    let irp = Irp::allocate(1);
    for (flags, control) in [
        ([1, 0, 0], sys::SL_INVOKE_ON_SUCCESS),
        ([0, 1, 0], sys::SL_INVOKE_ON_ERROR),
        ([0, 0, 1], sys::SL_INVOKE_ON_CANCEL),
    ] {
        register_with(&own, irp, count, counter.context(), flags);
        assert_eq!(irp.next().control(), control);
    }
    register(&own, irp, &counter);
    irp.major(major::READ).call(&lower);
    irp.free();
    assert_kinds(
        &machine.into_report(),
        &[ViolationKind::RegistrationLeaked; 3],
    );
}

#[test]
fn registrations_fail_on_demand() {
    let (machine, own, _lower) = machine_and_stack(When::inline());
    let counter = Counter::default();
    let irp = Irp::allocate(1);
    machine.fail_next_registration();
    machine.faults().fail(Allocation::Registration, 1);
    for _ in 0..2 {
        let status = register(&own, irp, &counter);
        assert_eq!(status, STATUS_INSUFFICIENT_RESOURCES);
        assert!(irp.next().completion_routine().is_none());
    }
    irp.free();
    machine.finish();
}

#[test]
fn registered_and_never_sent() {
    let (machine, own, lower) = machine_and_stack(When::triggered());
    let counter = Counter::default();
    let irp = Irp::allocate(1);
    register(&own, irp, &counter);
    irp.free();
    // This one is a leaked IRP, and nothing else.
    let sent = Irp::allocate(1);
    register(&own, sent, &counter);
    sent.major(major::READ).call(&lower);
    assert_kinds(
        &machine.into_report(),
        &[ViolationKind::RegistrationLeaked, ViolationKind::IrpLeaked],
    );
}

#[test]
fn a_device_that_is_not_the_callers() {
    let (machine, own, lower) = machine_and_stack(When::inline());
    let counter = Counter::default();
    let irp = Irp::allocate(1);
    assert_eq!(register(&lower, irp, &counter), STATUS_SUCCESS);
    irp.major(major::READ).call(&lower);
    assert_eq!(counter.calls(), 1);
    irp.reuse(STATUS_SUCCESS);
    register(&own, irp, &counter);
    irp.major(major::READ).call(&lower);
    irp.free();
    let report = machine.into_report();
    assert_kinds(&report, &[ViolationKind::NotOwnDevice]);
    let rule = "IoSetCompletionRoutineExCheckDeviceObject";
    assert!(report.to_string().contains(rule), "{report}");
}

#[test]
fn what_no_routine_can_be_registered_for() {
    let (machine, own, lower) = machine_and_stack(When::inline());
    let counter = Counter::default();
    let (irp, freed) = (Irp::allocate(1), Irp::allocate(1));
    freed.free();
    let nothing = Irp(std::ptr::null_mut());
    for irp in [nothing, freed] {
        assert_eq!(register(&own, irp, &counter), STATUS_INVALID_PARAMETER);
    }
    // SAFETY: the model checks the device, and stores nothing.
    let no_device = unsafe {
        let context = counter.context();
        sys::IoSetCompletionRoutineEx(irp.0.cast(), irp.0, Some(count), context, 1, 1, 1)
    };
    assert_eq!(no_device, STATUS_INVALID_PARAMETER);
    irp.own_location();
    assert_eq!(register(&own, irp, &counter), STATUS_INVALID_PARAMETER);
    irp.free();
    drop(lower);
    assert_kinds(
        &machine.into_report(),
        &[
            ViolationKind::UnknownIrp,
            ViolationKind::FreedIrpUsed,
            ViolationKind::UnknownDevice,
            ViolationKind::NoMoreStackLocations,
        ],
    );
}

#[test]
fn sent_twice_for_one_registration() {
    let (machine, own, lower) = machine_and_stack(When::inline());
    let counter = Counter::default();
    let irp = Irp::allocate(1);
    register(&own, irp, &counter);
    irp.major(major::READ).call(&lower);
    irp.control(sys::SL_INVOKE_ALWAYS).call(&lower);
    assert_eq!(counter.calls(), 1);
    irp.free();
    assert_kinds(
        &machine.into_report(),
        &[ViolationKind::RegistrationUsedTwice],
    );
}

/// Deletes the driver's device, which its own routine is the last to use.
unsafe extern "system" fn delete_own_device(
    _: *mut DEVICE_OBJECT,
    _: *mut IRP,
    context: *mut c_void,
) -> NTSTATUS {
    // SAFETY: the context is a `Device` that outlives the IRP.
    let own = unsafe { &*context.cast::<Device>() };
    own.delete();
    // SAFETY: the memory of a device stays until its machine ends.
    assert_eq!(unsafe { (*own.as_ptr()).StackSize }, 2, "it is still held");
    STATUS_MORE_PROCESSING_REQUIRED
}

#[test]
fn the_device_is_held_until_the_routine_has_returned() {
    let (machine, own, lower) = machine_and_stack(When::inline());
    let irp = Irp::allocate(1);
    let context = (&raw const own).cast_mut().cast();
    register_with(&own, irp, delete_own_device, context, [1; 3]);
    irp.major(major::READ).call(&lower);
    // SAFETY: the memory of a device stays until its machine ends.
    assert_ne!(unsafe { (*own.as_ptr()).StackSize }, 2, "it is poison");
    irp.free();
    assert_eq!(Object::of(&own).reference(), 0);
    assert_kinds(&machine.into_report(), &[ViolationKind::DeletedObjectUsed]);
}

#[test]
fn the_context_of_a_registered_routine_is_freed_in_flight() {
    let (machine, own, lower) = machine_and_stack(When::triggered());
    let irp = Irp::allocate(1);
    // SAFETY: the arguments are as the DDI asks.
    let block = unsafe { sys::ExAllocatePoolWithTag(NonPagedPoolNx, size_of::<Counter>(), 1) };
    // SAFETY: a block of this size, which this test alone knows.
    unsafe { block.cast::<Counter>().write(Counter::default()) };
    register_with(&own, irp, count, block, [1; 3]);
    assert_eq!(irp.major(major::READ).call(&lower), STATUS_PENDING);
    // SAFETY: the ledger keeps the block, since it is in use.
    unsafe { sys::ExFreePoolWithTag(block, 1) };
    assert!(lower.complete_next(STATUS_SUCCESS, 0));
    // SAFETY: as above.
    let calls = unsafe { &(*block.cast::<Counter>()).calls };
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    irp.free();
    assert_kinds(&machine.into_report(), &[ViolationKind::PoolFreedInUse]);
}

#[test]
fn the_irql_of_registrations() {
    let (machine, lower) = machine_and_device();
    let own = machine.own_device_over(&lower);
    let counter = Counter::default();
    let irp = Irp::allocate(1);
    for irql in [2, 3] {
        let _raised = raise(irql);
        register(&own, irp, &counter);
    }
    irp.free();
    assert_kinds(
        &machine.into_report(),
        &[
            ViolationKind::IrqlTooHigh,
            ViolationKind::RegistrationLeaked,
            ViolationKind::RegistrationLeaked,
        ],
    );
}
