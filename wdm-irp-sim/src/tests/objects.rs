//! The objects of a machine.

use wdm_irp::sys::{IoAllocateIrp, IoFreeIrp, STATUS_SUCCESS};

use crate::kernel::objects::{count, insert, kernel_of, remove};
use crate::sync::Arc;
use crate::{Behavior, Machine};

#[test]
fn a_machine_that_ends_leaves_no_addresses_behind() {
    let machine = Machine::new();
    let weak = Arc::downgrade(&machine.0);
    drop(machine.device(Behavior::complete(STATUS_SUCCESS, 0)));
    // SAFETY: the stack size is positive, as the DDI asks.
    let irp = unsafe { IoAllocateIrp(1, 0) };
    // SAFETY: the IRP was allocated above, and was never sent.
    unsafe { IoFreeIrp(irp) };
    assert_eq!(count(&weak), 2);
    machine.finish();
    assert_eq!(count(&weak), 0);
}

#[test]
fn an_address_that_another_machine_has_taken_over_stays_with_it() {
    let (first, second) = (Machine::new(), Machine::new());
    // Not the address of anything.
    let address = 1;
    insert(address, &first.0);
    insert(address, &second.0);
    remove([address].into_iter(), Arc::as_ptr(&first.0));
    let owner = kernel_of(address).expect("it has an owner");
    assert!(Arc::ptr_eq(&owner, &second.0));
    remove([address].into_iter(), Arc::as_ptr(&second.0));
    assert!(kernel_of(address).is_none());
}
