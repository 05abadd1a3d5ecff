//! The completion of a request.

use wdm_irp::sys::irp::Irp;
use wdm_irp::sys::{IRP, IofCompleteRequest, NTSTATUS};

/// `IO_NO_INCREMENT`, as the type of `IofCompleteRequest` wants it.
const NO_BOOST: i8 = 0;

/// Completes a request.
///
/// # Safety
/// `irp` is at this driver, which does not touch it afterwards.
pub(in crate::kernel) unsafe fn complete(irp: *mut IRP, status: NTSTATUS, information: usize) {
    // SAFETY: an IRP at a driver is allocated and that driver's (contract).
    unsafe { Irp::new(irp) }.set_io_status(status, information);
    // SAFETY: the IRP is at this driver, and not used afterwards, by contract. The driver's
    // behaviors complete each request once.
    unsafe { IofCompleteRequest(irp, NO_BOOST) };
}
