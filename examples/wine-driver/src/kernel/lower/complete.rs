//! The completion of a request.

use wdm_irp::sys::{IRP, IofCompleteRequest, NTSTATUS, set_irp_status};

/// `IO_NO_INCREMENT`, as the type of `IofCompleteRequest` wants it.
const NO_BOOST: i8 = 0;

/// Completes a request.
///
/// # Safety
/// `irp` is at this driver, which does not touch it afterwards.
pub(in crate::kernel) unsafe fn complete(irp: *mut IRP, status: NTSTATUS, information: usize) {
    // SAFETY: the IRP is at this driver by contract.
    unsafe { set_irp_status(irp, status, information) };
    // SAFETY: by contract.
    unsafe { IofCompleteRequest(irp, NO_BOOST) };
}
