//! The objects of the whole process by address: which machine each belongs to, and which are devices.

use std::any::Any;
use std::collections::BTreeMap;

use wdm_irp::sys::{DEVICE_OBJECT, IRP, NTSTATUS};

use crate::kernel::Kernel;
use crate::report::timeline::Lane;
use crate::sync::{Arc, Mutex, Weak, lock};

/// A device object and its driver, as the I/O manager knows them.
pub(crate) trait DeviceObject: Any + Send + Sync {
    fn as_ptr(&self) -> *mut DEVICE_OBJECT;

    /// The name in the timeline.
    fn name(&self) -> Arc<str>;

    /// The party that the driver is in the timeline.
    fn lane(&self) -> Lane {
        Lane::Device(self.name())
    }

    /// The driver's dispatch routine.
    ///
    /// # Safety
    /// The current location of `irp`, which is IRP `number` of `machine`, is this device's.
    unsafe fn dispatch(
        self: Arc<Self>,
        kernel: &Arc<Kernel>,
        irp: *mut IRP,
        number: u32,
    ) -> NTSTATUS;
}

static OWNERS: Mutex<BTreeMap<usize, Weak<Kernel>>> = Mutex::new(BTreeMap::new());

static DEVICES: Mutex<BTreeMap<usize, Weak<dyn DeviceObject>>> = Mutex::new(BTreeMap::new());

/// The address is a device of this machine.
pub(crate) fn insert_device(address: usize, device: Weak<dyn DeviceObject>, kernel: &Arc<Kernel>) {
    lock(&DEVICES).insert(address, device);
    insert(address, kernel);
}

/// The device is about to go.
pub(crate) fn remove_device(address: usize) {
    lock(&DEVICES).remove(&address);
}

/// The device behind a device object; `None` if it is none.
pub(crate) fn device(object: *mut DEVICE_OBJECT) -> Option<Arc<dyn DeviceObject>> {
    lock(&DEVICES).get(&object.addr()).and_then(Weak::upgrade)
}

/// The party that a device's driver is in the timeline.
pub(crate) fn lane_of(object: *mut DEVICE_OBJECT) -> Lane {
    device(object).map_or(Lane::IoManager, |device| device.lane())
}

/// The address is an object of this machine, from now on until another one takes it over.
pub(crate) fn insert(address: usize, kernel: &Arc<Kernel>) {
    lock(&OWNERS).insert(address, Arc::downgrade(kernel));
}

/// The machine whose object is, or was last, at this address.
pub(crate) fn kernel_of(address: usize) -> Option<Arc<Kernel>> {
    lock(&OWNERS).get(&address).and_then(Weak::upgrade)
}

/// Forgets addresses as far as they still belong to this machine, which is going away.
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
            .copied()
            .chain(ledger.devices.iter().map(|device| device.address()));
        remove(addresses, self);
    }
}

/// How many addresses belong to a machine, which may be gone.
#[cfg(test)]
pub(crate) fn count(kernel: &Weak<Kernel>) -> usize {
    lock(&OWNERS)
        .values()
        .filter(|owner| owner.ptr_eq(kernel))
        .count()
}
