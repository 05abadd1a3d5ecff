//! The memory manager's functions.

use wdm_irp::sys::MDL;

use crate::exports::owner::kernel_of;

/// # Safety
/// See `wdm_irp::sys::MmProbeAndLockPages`.
#[unsafe(export_name = "wdm_irp_sim_MmProbeAndLockPages")]
unsafe extern "system" fn MmProbeAndLockPages(mdl: *mut MDL, _access_mode: i8, operation: i32) {
    // SAFETY: the caller keeps to the contract of the DDI, which the model's function has, too.
    unsafe { kernel_of(mdl).MmProbeAndLockPages(mdl, operation) };
}

/// # Safety
/// See `wdm_irp::sys::MmUnlockPages`.
#[unsafe(export_name = "wdm_irp_sim_MmUnlockPages")]
unsafe extern "system" fn MmUnlockPages(mdl: *mut MDL) {
    // SAFETY: the caller keeps to the contract of the DDI, which the model's function has, too.
    unsafe { kernel_of(mdl).MmUnlockPages(mdl) };
}
