//! The functions of the kernel proper.

use std::ffi::c_void;

use wdm_irp::sys::{KEVENT, NTSTATUS};

use crate::ke::{event, irql, wait};

/// # Safety
/// See `wdm_irp::sys::KeInitializeEvent`.
#[unsafe(export_name = "wdm_irp_sim_KeInitializeEvent")]
unsafe extern "system" fn KeInitializeEvent(event: *mut KEVENT, kind: i32, state: u8) {
    // SAFETY: the caller keeps to the contract of the DDI, which the model's function has, too.
    unsafe { event::KeInitializeEvent(event, kind, state != 0) };
}

/// # Safety
/// See `wdm_irp::sys::KeSetEvent`.
#[unsafe(export_name = "wdm_irp_sim_KeSetEvent")]
unsafe extern "system" fn KeSetEvent(event: *mut KEVENT, _increment: i32, wait: u8) -> i32 {
    // SAFETY: the caller keeps to the contract of the DDI, which the model's function has, too.
    unsafe { event::KeSetEvent(event, wait != 0) }
}

/// # Safety
/// See `wdm_irp::sys::KeWaitForSingleObject`.
#[unsafe(export_name = "wdm_irp_sim_KeWaitForSingleObject")]
unsafe extern "system" fn KeWaitForSingleObject(
    object: *mut c_void,
    _reason: i32,
    mode: i8,
    alertable: u8,
    timeout: *const i64,
) -> NTSTATUS {
    // SAFETY: `timeout` is null or readable by the contract of the DDI.
    let timeout = unsafe { timeout.as_ref() }.copied();
    // SAFETY: the caller keeps to the contract of the DDI, which the model's function has, too.
    unsafe { wait::KeWaitForSingleObject(object, mode, alertable != 0, timeout) }
}

#[unsafe(export_name = "wdm_irp_sim_KeGetCurrentIrql")]
extern "system" fn KeGetCurrentIrql() -> u8 {
    irql::current()
}
