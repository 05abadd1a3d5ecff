//! An IRP is put aside by its driver, and taken back by the test or the cancel routine.

use wdm_irp::sys::irp::Irp;
use wdm_irp::sys::{DEVICE_OBJECT, IRP, NTSTATUS, STATUS_CANCELLED};

use crate::driver::device::{Device, DeviceShared};
use crate::driver::held::Ticket;
use crate::driver::lower_irp::LowerIrp;
use crate::driver::owned_irp::OwnedIrp;
use crate::io::cancel;
use crate::sync::Arc;

impl LowerIrp {
    /// Puts the IRP aside, to be taken back by [`Device::take`] or [`Device::complete_next`].
    ///
    /// Mark it pending before. If `cancelable`, a cancel routine is set, and may complete it at any
    /// time.
    #[expect(clippy::must_use_candidate, reason = "called for its effect")]
    pub fn hold(self, cancelable: bool) -> Ticket {
        let (device, irp) = self.into_parts();
        let routine = cancelable.then_some(cancel_held as _);
        let (ticket, cancelled) = device.held().hold(irp, routine);
        if let Some(irp) = cancelled {
            device.complete(irp, STATUS_CANCELLED, 0);
        }
        ticket
    }
}

/// Completes a held IRP with `STATUS_CANCELLED`: its cancel routine.
///
/// # Safety
/// The I/O manager calls it, with the cancel spin lock held, for an IRP that it was set for.
unsafe extern "system" fn cancel_held(device: *mut DEVICE_OBJECT, irp: *mut IRP) {
    // SAFETY: `IoCancelIrp` has claimed this routine for the IRP, so that nobody else takes it from
    // the list, where it stays allocated and the driver's (invariants 1 and 2 of `OwnedIrp`).
    let irql = unsafe { Irp::new(irp) }.cancel_irql();
    cancel::IoReleaseCancelSpinLock(irql);
    let Some(device) = DeviceShared::find(device) else {
        return;
    };
    if let Some(irp) = device.held().take_cancelled(irp) {
        device.complete(irp, STATUS_CANCELLED, 0);
    }
}

impl DeviceShared {
    /// Takes a held IRP back; `None` if it is gone, or if its cancel routine is about to take it.
    pub(super) fn take(self: &Arc<Self>, ticket: Ticket) -> Option<LowerIrp> {
        self.held().take(ticket).map(|irp| self.at_driver(irp))
    }

    /// Gives an IRP that this device has held to the code of its driver.
    fn at_driver(self: &Arc<Self>, irp: OwnedIrp) -> LowerIrp {
        // SAFETY: the IRP was in this device's list, where `LowerIrp::hold` has put it with the
        // device it was at.
        unsafe { LowerIrp::new(self, irp) }
    }
}

impl Device {
    /// Returns how many IRPs the driver holds back.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.shared.held().count()
    }

    /// Waits until the driver holds back this many IRPs, at most as long as the machine's hang
    /// limit.
    pub fn wait_until_pending(&self, count: usize) {
        self.shared.held().wait_until(count, &self.kernel);
    }

    /// Takes back the IRP that the driver holds back longest.
    #[must_use]
    pub fn take_next(&self) -> Option<LowerIrp> {
        let irp = self.shared.held().take_first()?;
        Some(self.shared.at_driver(irp))
    }

    /// Takes back an IRP that was put aside by [`LowerIrp::hold`].
    #[must_use]
    pub fn take(&self, ticket: Ticket) -> Option<LowerIrp> {
        self.shared.take(ticket)
    }

    /// Completes the IRP that the driver holds back longest, on this thread; `false` if there is
    /// none.
    #[expect(clippy::must_use_candidate, reason = "called for its effect")]
    pub fn complete_next(&self, status: NTSTATUS, information: usize) -> bool {
        let Some(irp) = self.take_next() else {
            return false;
        };
        irp.complete(status, information);
        true
    }
}
