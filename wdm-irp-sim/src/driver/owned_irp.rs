//! An IRP that a driver owns, wherever the driver keeps it.

use wdm_irp::sys::irp::Irp;
use wdm_irp::sys::{DEVICE_OBJECT, IRP, NTSTATUS};

use crate::kernel::Kernel;
use crate::kernel::this_thread::{self, Busy};
use crate::report::timeline::Lane;
use crate::sync::Arc;

/// An IRP that a driver owns.
///
/// # Invariants
/// 1. `irp` is IRP `number` of `kernel`, is in flight, and belongs to the driver that has this
///    value.
/// 2. The memory of `irp` stays while `kernel` does: the ledger frees no IRP that is in flight.
pub(super) struct OwnedIrp {
    pub(super) irp: *mut IRP,
    pub(super) number: u32,
    pub(super) kernel: Arc<Kernel>,
}

// SAFETY: an IRP belongs to no thread, only to one driver at a time (invariant 1); a `Kernel` is
// `Sync`.
unsafe impl Send for OwnedIrp {}

impl OwnedIrp {
    /// Takes over an IRP for a driver.
    ///
    /// # Safety
    /// `irp` is IRP `number` of `kernel`, in flight, and handed over to the driver.
    pub(super) unsafe fn new(kernel: &Arc<Kernel>, irp: *mut IRP, number: u32) -> Self {
        // INVARIANT: 1 by the caller's contract; 2 since `kernel` is kept.
        Self {
            irp,
            number,
            kernel: kernel.clone(),
        }
    }

    /// Returns the fields.
    pub(super) fn access(&self) -> Irp {
        // SAFETY: allocated while `self.kernel` is kept (invariant 2), and the driver's (invariant
        // 1).
        unsafe { Irp::new(self.irp) }
    }

    /// Enters a routine of the driver for the IRP: the test's thread may act for the driver.
    pub(super) fn enter(&self, lane: Lane) -> Busy {
        this_thread::enter_routine(&self.kernel, self.number, lane, false)
    }

    /// Sets `Irp->IoStatus` and calls `IoCompleteRequest`.
    pub(super) fn complete(self, status: NTSTATUS, information: usize) {
        self.access().set_io_status(status, information);
        // SAFETY: in flight and the driver's (invariant 1); its value ends here, so nothing uses
        // the IRP afterwards.
        unsafe { self.kernel.IofCompleteRequest(self.irp) };
    }

    /// Calls `IoCallDriver`.
    ///
    /// # Safety
    /// The next stack location is filled in, if there is one.
    pub(super) unsafe fn call_driver(self, device: *mut DEVICE_OBJECT) -> NTSTATUS {
        // SAFETY: in flight and the driver's (invariant 1), whose value ends here; the next
        // location is filled in by the caller's contract.
        unsafe { self.kernel.IofCallDriver(device, self.irp) }
    }
}
