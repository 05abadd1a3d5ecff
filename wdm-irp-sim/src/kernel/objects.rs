//! Which machine an address belongs to, for the whole process.

use std::collections::BTreeMap;

use crate::kernel::Inner;
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

impl Drop for Inner {
    fn drop(&mut self) {
        let state = lock(&self.state);
        let addresses = state
            .numbers
            .keys()
            .chain(state.mdls.keys())
            .copied()
            .chain(state.devices.iter().map(|device| device.address()));
        remove(addresses, self);
    }
}

/// How many addresses belong to a machine, which may be gone.
#[cfg(test)]
pub(crate) fn count(machine: &Weak<Inner>) -> usize {
    lock(&OWNERS)
        .values()
        .filter(|owner| owner.ptr_eq(machine))
        .count()
}
