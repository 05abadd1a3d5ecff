//! Accesses to IRPs from before `sys::irp`; on their way out.

use core::ffi::c_void;

use super::types::{IRP, NTSTATUS};

/// The status of an IRP's `IO_STATUS_BLOCK`.
///
/// # Safety
/// `Irp` is valid, and at the caller.
#[must_use]
#[inline]
pub unsafe fn irp_status(Irp: *const IRP) -> NTSTATUS {
    // SAFETY: valid and at the caller by contract.
    unsafe { super::irp::Irp::new(Irp.cast_mut()) }.status()
}

/// Sets the `IO_STATUS_BLOCK` of an IRP.
///
/// # Safety
/// `Irp` is valid, and at the caller.
#[inline]
pub unsafe fn set_irp_status(Irp: *mut IRP, Status: NTSTATUS, Information: usize) {
    // SAFETY: valid and at the caller by contract.
    unsafe { super::irp::Irp::new(Irp) }.set_io_status(Status, Information);
}

/// `Irp->PendingReturned`.
///
/// # Safety
/// `Irp` is valid, and its completion routine is running.
#[must_use]
#[inline]
pub unsafe fn irp_pending_returned(Irp: *const IRP) -> bool {
    // SAFETY: valid and at the caller by contract.
    unsafe { super::irp::Irp::new(Irp.cast_mut()) }.pending_returned()
}

/// The cell of `Irp->AssociatedIrp.SystemBuffer`.
///
/// # Safety
/// `Irp` is valid.
#[must_use]
#[inline]
pub unsafe fn irp_system_buffer(Irp: *mut IRP) -> *mut *mut c_void {
    // SAFETY: `Irp` is valid by contract; every member of the union begins at its address.
    unsafe { &raw mut (*Irp).AssociatedIrp }.cast()
}
