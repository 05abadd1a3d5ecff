//! References to devices and file objects are counted, and the last one deletes them.

use wdm_irp::sys::NTSTATUS;

use crate::kernel::counted::ObjectKind;
use crate::kernel::ledger::Ledger;
use crate::kernel::{Kernel, objects};
use crate::report::kind::ViolationKind;
use crate::sync::lock;

impl Ledger {
    /// Finds the device that is opened by this name, and the status of opening it.
    pub(crate) fn device_named(&self, name: &str) -> Option<(usize, NTSTATUS)> {
        self.objects.iter().find_map(|(address, record)| {
            let ObjectKind::Device { opened_by } = &record.kind else {
                return None;
            };
            let (known, status) = opened_by.as_ref()?;
            (&**known == name && !record.deleted).then_some((*address, *status))
        })
    }

    /// Returns the address of the device on top of a device's stack.
    pub(crate) fn top_of(&self, mut device: usize) -> usize {
        while let Some(above) = self.attached.get(&device) {
            device = *above;
        }
        device
    }
}

/// A change of the references to an object.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// A driver gives one back.
    Released,
    /// The kernel gives one back.
    NotHeld,
    /// The driver of the device deletes it.
    Deleted,
}

impl Kernel {
    /// Notes that the kernel holds an object.
    pub(crate) fn hold_object(&self, address: usize) {
        if let Some(record) = lock(&self.ledger).objects.get_mut(&address) {
            record.held += 1;
        }
    }

    /// Takes a reference away, deletes the object if it was the last one, and returns how many are
    /// left; `None` if there was none.
    pub(crate) fn change_object(&self, address: usize, change: Change) -> Option<usize> {
        let (left, in_flight, file) = {
            let mut ledger = lock(&self.ledger);
            let in_flight = ledger.irp_in_flight_with(&(address..address + 1));
            let record = ledger.objects.get_mut(&address)?;
            match change {
                Change::Released => record.references = record.references.checked_sub(1)?,
                Change::NotHeld => record.held = record.held.checked_sub(1)?,
                Change::Deleted => record.deleted = true,
            }
            let left = record.count();
            record.gone = left == 0;
            let file = match &mut record.kind {
                ObjectKind::File { memory, device } if left == 0 => {
                    // Memory that is in use is kept.
                    Some((memory.take_if(|_| in_flight.is_none()), *device))
                }
                _ => None,
            };
            (left, in_flight.map(|irp| (irp, record.name.clone())), file)
        };
        if left > 0 {
            return Some(left);
        }
        if let Some((irp, name)) = in_flight {
            let text = format!("the last reference to {name} is gone, which an IRP in flight uses");
            self.violate(ViolationKind::ObjectDeletedInUse, Some(irp), &text);
        } else if let Some(device) = objects::device_at(address) {
            device.poison();
        }
        if let Some((memory, device)) = file {
            let damaged = memory
                .and_then(|memory| lock(&self.ledger).free_memory(memory, None, "file object"));
            if let Some((irp, text)) = damaged {
                self.violate(ViolationKind::WriteAfterFree, irp, &text);
            }
            self.change_object(device, Change::NotHeld);
        }
        Some(0)
    }

    /// Returns whether an object is deleted, and nobody has a reference to it.
    pub(crate) fn is_deleted(&self, address: usize) -> bool {
        let ledger = lock(&self.ledger);
        ledger
            .objects
            .get(&address)
            .is_some_and(|record| record.gone)
    }

    /// Returns how many references to an object drivers have.
    pub(crate) fn references_to(&self, address: usize) -> usize {
        let ledger = lock(&self.ledger);
        let record = ledger.objects.get(&address);
        record.map_or(0, |record| record.references)
    }
}
