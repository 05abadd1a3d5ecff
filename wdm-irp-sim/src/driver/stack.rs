//! A driver attaches and deletes its devices.

use wdm_irp::sys::STATUS_INVALID_DEVICE_REQUEST;

use crate::driver::behavior::Behavior;
use crate::driver::device::Device;
use crate::kernel::objects::DeviceObject;
use crate::kernel::references::Change;

impl Device {
    /// Attaches the device to the top of another one's stack (`IoAttachDeviceToDeviceStack`).
    pub fn attach_to(&self, lower: &Self) {
        self.kernel
            .attach(self.as_ptr().addr(), lower.as_ptr().addr());
        let (upper, lower) = (&self.name(), &lower.name());
        let text = format!("IoAttachDeviceToDeviceStack({upper} to {lower})");
        self.kernel.note(None, text);
    }

    /// Takes the device out of its stack and deletes it (`IoDetachDevice`, `IoDeleteDevice`).
    ///
    /// It can be read and sent requests as long as a driver has a reference to it. Without one it
    /// is filled with poison, and its use is a violation.
    pub fn delete(&self) {
        let text = format!("IoDeleteDevice({})", self.name());
        self.kernel.note(None, text);
        let address = self.shared.as_ptr().addr();
        self.kernel.detach(address);
        self.kernel.change_object(address, Change::Deleted);
    }

    /// Returns how many references to the device drivers have.
    #[must_use]
    pub fn references(&self) -> usize {
        self.kernel.references_to(self.as_ptr().addr())
    }
}

impl Behavior {
    /// Creates a driver that takes no requests.
    #[must_use]
    pub fn refuse() -> Self {
        Self::complete(STATUS_INVALID_DEVICE_REQUEST, 0)
    }
}
