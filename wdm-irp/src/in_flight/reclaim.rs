//! The end of an IRP that has been in flight.

use crate::error::final_status;
use crate::request::release_mdl;
use crate::sys::{self, IRP, NTSTATUS};

/// Takes back what a completed IRP says, releases what is attached to it, and frees it.
///
/// # Safety
/// `irp` came from `IoAllocateIrp`, is completed, the routine has let go of it, and it is not used
/// again.
#[inline]
pub(crate) unsafe fn free_completed(irp: *mut IRP) -> (NTSTATUS, usize) {
    // SAFETY: completed, and the routine answered MORE_PROCESSING_REQUIRED: the IRP is the
    // caller's, and not freed yet.
    let fields = unsafe { sys::irp::Irp::new(irp) };
    let status = final_status(fields.status());
    let information = fields.information();
    // SAFETY: completed, so no transfer is under way; what is attached is what `Transfer::enter`
    // attached.
    unsafe { release_mdl(fields) };
    // SAFETY: by contract from `IoAllocateIrp` and not used again.
    unsafe { sys::IoFreeIrp(irp) };
    (status, information)
}
