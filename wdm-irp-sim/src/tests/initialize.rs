//! `IoInitializeIrp`.

use wdm_irp::sys::{self, IRP, NonPagedPoolNx, STATUS_SUCCESS};

use super::support::{Counter, Irp, assert_kinds, machine_and_device, machine_and_device_when};
use crate::irql::raise;
use crate::memory::Memory;
use crate::{Machine, ViolationKind, When};

/// Bytes of an IRP with two stack locations.
const SIZE: u16 = 208 + 2 * 72;

/// Makes an IRP of memory with two stack locations.
fn initialize(irp: Irp) {
    // SAFETY: the tests call this on memory of this size, or on IRPs, which the ledger checks.
    unsafe { sys::IoInitializeIrp(irp.0, SIZE, 2) };
}

#[test]
fn an_irp_in_memory_of_the_driver() {
    let (machine, device) = machine_and_device();
    let counter = Counter::default();
    let memory = Memory::zeroed(SIZE.into());
    let irp = Irp(memory.cast::<IRP>());
    initialize(irp);
    irp.send(&counter, &device);
    irp.reuse(STATUS_SUCCESS);
    irp.send(&counter, &device);
    initialize(irp);
    irp.send(&counter, &device);
    assert_eq!(counter.calls(), 3);
    assert_eq!(machine.live_irps(), 0);
    irp.free();
    assert_kinds(&machine.into_report(), &[ViolationKind::UnknownIrp]);
}

#[test]
fn an_irp_in_memory_of_the_driver_goes_with_the_memory() {
    let (machine, device) = machine_and_device_when(When::triggered());
    let counter = Counter::default();
    for send in [false, true] {
        // SAFETY: the arguments are as the DDI asks.
        let block = unsafe { sys::ExAllocatePoolWithTag(NonPagedPoolNx, SIZE.into(), 1) };
        let irp = Irp(block.cast());
        initialize(irp);
        if send {
            irp.send(&counter, &device);
        }
        // SAFETY: the block was allocated above with this tag; the ledger keeps it if it is used.
        unsafe { sys::ExFreePoolWithTag(block, 1) };
    }
    assert!(device.complete_next(STATUS_SUCCESS, 0));
    let memory = Memory::zeroed(SIZE.into());
    let irp = Irp(memory.cast::<IRP>());
    initialize(irp);
    irp.send(&counter, &device);
    let start = irp.0.addr();
    machine.memory_freed(start..start + 1);
    assert!(device.complete_next(STATUS_SUCCESS, 0));
    assert_eq!(counter.calls(), 0, "the context may be gone");
    assert_kinds(
        &machine.into_report(),
        &[ViolationKind::IrpFreedInFlight; 2],
    );
}

#[test]
fn what_must_not_be_initialized() {
    let (machine, device) = machine_and_device_when(When::triggered());
    let counter = Counter::default();
    for charged in [0, 1] {
        // SAFETY: the stack size is positive, as the DDI asks.
        let irp = Irp(unsafe { sys::IoAllocateIrp(2, charged) });
        initialize(irp);
        irp.free();
    }
    let irp = Irp::allocate(2);
    irp.send(&counter, &device);
    initialize(irp);
    assert!(device.complete_next(STATUS_SUCCESS, 0));
    irp.free();
    let memory = Memory::zeroed(SIZE.into());
    // SAFETY: the model checks the arguments, and touches nothing.
    unsafe { sys::IoInitializeIrp(memory.cast(), SIZE - 1, 2) };
    // SAFETY: as above.
    unsafe { sys::IoInitializeIrp(memory.cast(), SIZE, 0) };
    assert_kinds(
        &machine.into_report(),
        &[
            ViolationKind::AllocatedIrpInitialized,
            ViolationKind::IrpInitializedWithQuota,
            ViolationKind::IrpReusedInFlight,
            ViolationKind::IrpPacketTooSmall,
            ViolationKind::BadStackSize,
        ],
    );
}

#[test]
fn the_irql_of_initialization() {
    let machine = Machine::new();
    let memory = Memory::zeroed(SIZE.into());
    for irql in [2, 3] {
        let _raised = raise(irql);
        initialize(Irp(memory.cast()));
    }
    assert_kinds(&machine.into_report(), &[ViolationKind::IrqlTooHigh]);
}
