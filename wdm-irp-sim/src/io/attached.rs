//! Stacks of devices: `IoGetAttachedDeviceReference`.

use wdm_irp::sys::{DEVICE_OBJECT, DISPATCH_LEVEL};

use crate::kernel::{Kernel, objects};
use crate::report::kind::ViolationKind;
use crate::sync::lock;

impl Kernel {
    /// Returns the device on top of a device's stack, with a reference
    /// (`IoGetAttachedDeviceReference`).
    pub(crate) fn IoGetAttachedDeviceReference(
        &self,
        device: *mut DEVICE_OBJECT,
    ) -> *mut DEVICE_OBJECT {
        const FUNCTION: &str = "IoGetAttachedDeviceReference";
        self.check_irql(DISPATCH_LEVEL, None, FUNCTION);
        let top = {
            let mut ledger = lock(&self.ledger);
            let top = ledger.top_of(device.addr());
            ledger
                .objects
                .get_mut(&top)
                .filter(|record| !record.gone)
                .map(|record| {
                    record.references += 1;
                    (top, record.name.clone())
                })
        };
        let found = top.and_then(|(top, name)| Some((objects::device_at(top)?.as_ptr(), name)));
        let Some((top, name)) = found else {
            let text = format!("{FUNCTION} with something that is no device object");
            self.violate(ViolationKind::UnknownDevice, None, &text);
            return device;
        };
        self.call(None, format!("{FUNCTION} returned {name}"));
        top
    }

    /// Attaches a device to the top of another one's stack (`IoAttachDeviceToDeviceStack`).
    pub(crate) fn attach(&self, upper: usize, lower: usize) {
        let mut ledger = lock(&self.ledger);
        let top = ledger.top_of(lower);
        if top != upper {
            ledger.attached.insert(top, upper);
        }
    }

    /// Takes a device out of its stack (`IoDetachDevice`): what is above it is then on the lower
    /// one.
    pub(crate) fn detach(&self, device: usize) {
        let mut ledger = lock(&self.ledger);
        let above = ledger.attached.remove(&device);
        let below = ledger
            .attached
            .iter()
            .find(|(_, upper)| **upper == device)
            .map(|(lower, _)| *lower);
        if let Some(below) = below {
            match above {
                Some(above) => ledger.attached.insert(below, above),
                None => ledger.attached.remove(&below),
            };
        }
    }
}
