//! MDLs, at which nobody looks.
//!
//! The functions have the contracts of the functions of `wdm_irp::sys` that they stand for.

use core::ffi::c_void;
use core::hint::black_box;

use wdm_irp::sys::{IRP, MDL};

/// The MDL of every buffer: nobody looks at it.
static MDL_MEMORY: [u64; 8] = [0; 8];

#[unsafe(export_name = "wdm_irp_sim_IoAllocateMdl")]
#[inline(never)]
unsafe extern "system" fn allocate_mdl(
    start: *mut c_void,
    length: u32,
    secondary: u8,
    charge_quota: u8,
    irp: *mut IRP,
) -> *mut MDL {
    let _ = black_box((start, length, secondary, charge_quota, irp));
    black_box((&raw const MDL_MEMORY).cast_mut().cast())
}

#[unsafe(export_name = "wdm_irp_sim_IoFreeMdl")]
#[inline(never)]
unsafe extern "system" fn free_mdl(mdl: *mut MDL) {
    black_box(mdl);
}

#[unsafe(export_name = "wdm_irp_sim_MmProbeAndLockPages")]
#[inline(never)]
unsafe extern "system" fn probe_and_lock_pages(mdl: *mut MDL, mode: i8, operation: i32) {
    black_box((mdl, mode, operation));
}

#[unsafe(export_name = "wdm_irp_sim_MmUnlockPages")]
#[inline(never)]
unsafe extern "system" fn unlock_pages(mdl: *mut MDL) {
    black_box((mdl, mdl));
}
