//! `IoAllocateIrp` and `IoFreeIrp`.

use wdm_irp::sys::{self, STATUS_INVALID_PARAMETER, STATUS_SUCCESS};

use super::support::{
    Counter, Irp, assert_kinds, count, machine_and_device, machine_and_device_when,
};
use crate::{Allocation, Machine, ViolationKind, When};

#[test]
fn allocations_fail_on_demand() {
    let machine = Machine::new();
    machine.fail_next_irp_allocation();
    machine.faults().fail(Allocation::Irp, 2);
    let results: Vec<bool> = (0..4)
        .map(|_| {
            // SAFETY: the stack size is positive, as the DDI asks.
            let irp = unsafe { sys::IoAllocateIrp(1, 0) };
            if !irp.is_null() {
                Irp(irp).free();
            }
            irp.is_null()
        })
        .collect();
    assert_eq!(results, [true, false, true, false]);
    machine.finish();
}

#[test]
fn bad_stack_size() {
    let machine = Machine::new();
    for size in [0, -1] {
        // SAFETY: the model checks the size, and allocates nothing.
        assert!(unsafe { sys::IoAllocateIrp(size, 0) }.is_null());
    }
    assert_kinds(&machine.into_report(), &[ViolationKind::BadStackSize; 2]);
}

#[test]
fn not_an_irp() {
    let (machine, device) = machine_and_device();
    let irp = Irp(std::ptr::null_mut());
    irp.free();
    assert_eq!(irp.call(&device), STATUS_INVALID_PARAMETER);
    irp.complete();
    assert!(!irp.cancel());
    assert_kinds(&machine.into_report(), &[ViolationKind::UnknownIrp; 4]);
}

#[test]
fn freed_twice() {
    let machine = Machine::new();
    let irp = Irp::allocate(1);
    irp.free();
    irp.free();
    assert_kinds(&machine.into_report(), &[ViolationKind::IrpFreedTwice]);
}

#[test]
fn freed_in_flight_and_completed_afterwards() {
    let (machine, device) = machine_and_device_when(When::triggered());
    let counter = Counter::default();
    let irp = Irp::allocate(1);
    irp.send(&counter, &device);
    irp.free();
    assert!(device.complete_next(STATUS_SUCCESS, 0));
    assert_eq!(counter.calls(), 0, "the context may be gone");
    assert_kinds(&machine.into_report(), &[ViolationKind::IrpFreedInFlight]);
}

#[test]
fn the_buffer_of_an_irp_that_was_freed_in_flight_is_not_touched() {
    let (machine, device) = machine_and_device_when(When::triggered());
    let counter = Counter::default();
    let mut buffer = [0_u8; 4];
    let start = buffer.as_mut_ptr();
    let irp = Irp::allocate(1);
    irp.read(start, 4)
        .routine(count, counter.context())
        .call(&device);
    irp.free();
    let at_driver = device.take_next().unwrap();
    assert_eq!(at_driver.write_output(&[1; 4]), 0);
    at_driver.complete(STATUS_SUCCESS, 4);
    // SAFETY: the array is alive, and the driver has given the IRP back.
    assert_eq!(unsafe { start.cast::<[u8; 4]>().read() }, [0; 4]);
    assert_kinds(&machine.into_report(), &[ViolationKind::IrpFreedInFlight]);
}

#[test]
fn used_after_free() {
    let (machine, device) = machine_and_device();
    let irp = Irp::allocate(1);
    irp.free();
    assert_eq!(irp.call(&device), STATUS_INVALID_PARAMETER);
    irp.complete();
    assert!(!irp.cancel());
    assert_kinds(
        &machine.into_report(),
        &[
            ViolationKind::FreedIrpUsed,
            ViolationKind::FreedIrpUsed,
            ViolationKind::FreedIrpUsed,
        ],
    );
}

#[test]
#[cfg(not(miri))] // Miri stops at the write itself.
fn written_after_free() {
    let machine = Machine::new();
    let irp = Irp::allocate(1);
    irp.free();
    // SAFETY: not valid in the kernel; the model keeps the memory to notice this.
    unsafe { (*irp.0).UserBuffer = std::ptr::null_mut() };
    assert_kinds(&machine.into_report(), &[ViolationKind::WriteAfterFree]);
}

#[test]
#[cfg(not(miri))] // Miri stops at the write itself.
fn marked_pending_without_own_location() {
    for free in [false, true] {
        let machine = Machine::new();
        let irp = Irp::allocate(1);
        // SAFETY: not valid in the kernel; the model has put a guard at the location that this
        // marks.
        unsafe { sys::IoMarkIrpPending(irp.0) };
        if free {
            irp.free();
            assert_kinds(&machine.into_report(), &[ViolationKind::IrpOverrun]);
        } else {
            assert_kinds(
                &machine.into_report(),
                &[ViolationKind::IrpLeaked, ViolationKind::IrpOverrun],
            );
        }
    }
}

#[test]
fn the_type_of_an_irp_is_overwritten() {
    let (machine, device) = machine_and_device();
    let irp = Irp::allocate(1);
    // SAFETY: the IRP is allocated, and with this test until it is sent.
    unsafe { (*irp.0).Type = 3 };
    assert_eq!(irp.call(&device), STATUS_INVALID_PARAMETER);
    irp.free();
    let report = machine.into_report();
    assert_kinds(&report, &[ViolationKind::IrpCorrupted; 2]);
    assert_eq!(
        report.violations[1].detail,
        "IoFreeIrp: Irp->Type is not IO_TYPE_IRP"
    );
}
