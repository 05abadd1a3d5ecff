//! The executive's functions.

use std::ffi::c_void;

use wdm_irp::sys::EX_RUNDOWN_REF;

use crate::exports::owner::kernel_of;
use crate::kernel::this_thread;

#[unsafe(export_name = "wdm_irp_sim_ExAllocatePoolWithTag")]
extern "system" fn ExAllocatePoolWithTag(pool_type: i32, size: usize, tag: u32) -> *mut c_void {
    this_thread::kernel().ExAllocatePoolWithTag(pool_type, size, tag)
}

#[unsafe(export_name = "wdm_irp_sim_ExFreePoolWithTag")]
extern "system" fn ExFreePoolWithTag(block: *mut c_void, tag: u32) {
    kernel_of(block).ExFreePoolWithTag(block, tag);
}

/// # Safety
/// See `wdm_irp::sys::ExInitializeRundownProtection`.
#[unsafe(export_name = "wdm_irp_sim_ExInitializeRundownProtection")]
unsafe extern "system" fn ExInitializeRundownProtection(run_ref: *mut EX_RUNDOWN_REF) {
    // SAFETY: the caller keeps to the contract of the DDI, which the model's function has, too.
    unsafe { this_thread::kernel().ExInitializeRundownProtection(run_ref) };
}

/// # Safety
/// See `wdm_irp::sys::ExReInitializeRundownProtection`.
#[unsafe(export_name = "wdm_irp_sim_ExReInitializeRundownProtection")]
unsafe extern "system" fn ExReInitializeRundownProtection(run_ref: *mut EX_RUNDOWN_REF) {
    // SAFETY: the caller keeps to the contract of the DDI, which the model's function has, too.
    unsafe { kernel_of(run_ref).ExReInitializeRundownProtection(run_ref) };
}

/// # Safety
/// See `wdm_irp::sys::ExReleaseRundownProtection`.
#[unsafe(export_name = "wdm_irp_sim_ExReleaseRundownProtection")]
unsafe extern "system" fn ExReleaseRundownProtection(run_ref: *mut EX_RUNDOWN_REF) {
    // SAFETY: the caller keeps to the contract of the DDI, which the model's function has, too.
    unsafe { kernel_of(run_ref).ExReleaseRundownProtection(run_ref) };
}

/// # Safety
/// See `wdm_irp::sys::ExWaitForRundownProtectionRelease`.
#[unsafe(export_name = "wdm_irp_sim_ExWaitForRundownProtectionRelease")]
unsafe extern "system" fn ExWaitForRundownProtectionRelease(run_ref: *mut EX_RUNDOWN_REF) {
    // SAFETY: the caller keeps to the contract of the DDI, which the model's function has, too.
    unsafe { kernel_of(run_ref).ExWaitForRundownProtectionRelease(run_ref) };
}

/// # Safety
/// See `wdm_irp::sys::ExRundownCompleted`.
#[unsafe(export_name = "wdm_irp_sim_ExRundownCompleted")]
unsafe extern "system" fn ExRundownCompleted(run_ref: *mut EX_RUNDOWN_REF) {
    // SAFETY: the caller keeps to the contract of the DDI, which the model's function has, too.
    unsafe { kernel_of(run_ref).ExRundownCompleted(run_ref) };
}

/// # Safety
/// See `wdm_irp::sys::ExAcquireRundownProtection`.
#[unsafe(export_name = "wdm_irp_sim_ExAcquireRundownProtection")]
unsafe extern "system" fn ExAcquireRundownProtection(run_ref: *mut EX_RUNDOWN_REF) -> u8 {
    // SAFETY: the caller keeps to the contract of the DDI, which the model's function has, too.
    u8::from(unsafe { kernel_of(run_ref).ExAcquireRundownProtection(run_ref) })
}
