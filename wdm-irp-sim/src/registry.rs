//! Which machine an address belongs to, for the whole process.

use std::collections::BTreeMap;

use crate::machine::Inner;
use crate::sync::{Arc, Mutex, Weak, lock};

static OWNERS: Mutex<BTreeMap<usize, Weak<Inner>>> = Mutex::new(BTreeMap::new());

/// The address is an object of this machine, from now on until another one takes it over.
pub(crate) fn insert(address: usize, machine: &Arc<Inner>) {
    lock(&OWNERS).insert(address, Arc::downgrade(machine));
}

/// The machine whose object is, or was last, at this address.
pub(crate) fn machine_of(address: usize) -> Option<Arc<Inner>> {
    lock(&OWNERS).get(&address).and_then(Weak::upgrade)
}

/// Forgets addresses as far as they still belong to this machine, which is going away.
pub(crate) fn remove(addresses: impl Iterator<Item = usize>, machine: *const Inner) {
    let mut owners = lock(&OWNERS);
    for address in addresses {
        if owners
            .get(&address)
            .is_some_and(|owner| owner.as_ptr() == machine)
        {
            owners.remove(&address);
        }
    }
}

#[cfg(test)]
mod tests {
    use wdm_irp::sys::{IoAllocateIrp, IoFreeIrp, STATUS_SUCCESS};

    use super::*;
    use crate::{Behavior, Machine};

    /// How many addresses belong to a machine, which may be gone.
    fn count(machine: &Weak<Inner>) -> usize {
        lock(&OWNERS)
            .values()
            .filter(|owner| owner.ptr_eq(machine))
            .count()
    }

    #[test]
    fn a_machine_that_ends_leaves_no_addresses_behind() {
        let machine = Machine::new();
        let weak = Arc::downgrade(&machine.0);
        drop(machine.device(Behavior::complete(STATUS_SUCCESS, 0)));
        // SAFETY: the stack size is positive.
        let irp = unsafe { IoAllocateIrp(1, 0) };
        // SAFETY: just allocated.
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
        let owner = machine_of(address).expect("it has an owner");
        assert!(Arc::ptr_eq(&owner, &second.0));
        remove([address].into_iter(), Arc::as_ptr(&second.0));
        assert!(machine_of(address).is_none());
    }
}
