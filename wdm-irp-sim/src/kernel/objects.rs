//! The objects of the whole process, by address: whose they are, and which are devices.

use std::any::Any;
use std::collections::BTreeMap;

use wdm_irp::sys::{DEVICE_OBJECT, IRP, NTSTATUS};

use crate::kernel::Kernel;
use crate::report::timeline::Lane;
use crate::sync::{Arc, Mutex, Weak, lock};

/// A device object and its driver, as the I/O manager knows them.
pub(crate) trait DeviceObject: Any + Send + Sync {
    /// Returns the device object.
    fn as_ptr(&self) -> *mut DEVICE_OBJECT;

    /// Returns the name in the timeline.
    fn name(&self) -> Arc<str>;

    /// Returns the party that the driver is in the timeline.
    fn lane(&self) -> Lane;

    /// Fills the device object with poison: nobody has a reference to it any more.
    fn poison(&self);

    /// Calls the driver's dispatch routine.
    ///
    /// # Safety
    /// The current location of `irp`, which is IRP `number` of `kernel`, is this device's.
    unsafe fn dispatch(
        self: Arc<Self>,
        kernel: &Arc<Kernel>,
        irp: *mut IRP,
        number: u32,
    ) -> NTSTATUS;
}

/// Which instance the objects belong to, by address.
static OWNERS: Mutex<BTreeMap<usize, Weak<Kernel>>> = Mutex::new(BTreeMap::new());

/// The devices, by the address of their device object.
static DEVICES: Mutex<BTreeMap<usize, Weak<dyn DeviceObject>>> = Mutex::new(BTreeMap::new());

/// Enters a device of an instance.
pub(crate) fn insert_device(address: usize, device: Weak<dyn DeviceObject>, kernel: &Arc<Kernel>) {
    lock(&DEVICES).insert(address, device);
    insert(address, kernel);
}

/// Removes a device, which is about to go.
pub(crate) fn remove_device(address: usize) {
    lock(&DEVICES).remove(&address);
}

/// Finds the device behind a `DEVICE_OBJECT`; `None` if there is none.
pub(crate) fn device(object: *mut DEVICE_OBJECT) -> Option<Arc<dyn DeviceObject>> {
    device_at(object.addr())
}

/// Finds the device whose `DEVICE_OBJECT` is at an address; `None` if there is none.
pub(crate) fn device_at(address: usize) -> Option<Arc<dyn DeviceObject>> {
    lock(&DEVICES).get(&address).and_then(Weak::upgrade)
}

/// Returns the party that a device's driver is in the timeline.
pub(crate) fn lane_of(object: *mut DEVICE_OBJECT) -> Lane {
    device(object).map_or(Lane::IoManager, |device| device.lane())
}

/// Enters an object of an instance, at the address until another one has an object there.
pub(crate) fn insert(address: usize, kernel: &Arc<Kernel>) {
    lock(&OWNERS).insert(address, Arc::downgrade(kernel));
}

/// Finds the instance whose object is, or was last, at this address.
pub(crate) fn kernel_of(address: usize) -> Option<Arc<Kernel>> {
    lock(&OWNERS).get(&address).and_then(Weak::upgrade)
}

/// Removes addresses as far as they still belong to this instance, which is going away.
pub(crate) fn remove(addresses: impl Iterator<Item = usize>, kernel: *const Kernel) {
    let mut owners = lock(&OWNERS);
    for address in addresses {
        if owners
            .get(&address)
            .is_some_and(|owner| owner.as_ptr() == kernel)
        {
            owners.remove(&address);
        }
    }
}

impl Drop for Kernel {
    fn drop(&mut self) {
        let ledger = lock(&self.ledger);
        let addresses = ledger
            .numbers
            .keys()
            .chain(ledger.mdls.keys())
            .chain(ledger.pool.keys())
            .chain(ledger.remove_locks.keys())
            .chain(ledger.rundowns.keys())
            .chain(ledger.objects.keys())
            .chain(ledger.registrations.keys())
            .copied()
            .chain(ledger.devices.iter().map(|device| device.address()));
        remove(addresses, self);
    }
}

/// Returns how many addresses belong to an instance, which may be gone.
#[cfg(test)]
pub(crate) fn count(kernel: &Weak<Kernel>) -> usize {
    lock(&OWNERS)
        .values()
        .filter(|owner| owner.ptr_eq(kernel))
        .count()
}
