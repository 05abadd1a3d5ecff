//! The functions that `wdm_irp::sys` imports, under the names it imports them by.
//!
//! A misuse is recorded, never a panic: unwinding out of these functions would end the process. After recording, the
//! function does what does the least harm.

use std::ffi::c_void;

use wdm_irp::sys::{DEVICE_OBJECT, IRP, KEVENT, MDL, NTSTATUS};

use crate::io::cancel;
use crate::ke::{event, irql, wait};
use crate::kernel::{Inner, objects, this_thread};
use crate::sync::Arc;

/// The machine whose object this is, or the thread's.
fn machine_of<T>(object: *mut T) -> Arc<Inner> {
    objects::machine_of(object.addr()).unwrap_or_else(this_thread::machine)
}

#[unsafe(export_name = "wdm_irp_sim_IoAllocateIrp")]
extern "system" fn allocate_irp(stack_size: i8, _charge_quota: u8) -> *mut IRP {
    this_thread::machine().allocate_irp(stack_size)
}

/// # Safety
/// See `wdm_irp::sys::IoFreeIrp`.
#[unsafe(export_name = "wdm_irp_sim_IoFreeIrp")]
unsafe extern "system" fn free_irp(irp: *mut IRP) {
    // SAFETY: by contract.
    unsafe { machine_of(irp).free_irp(irp) };
}

/// # Safety
/// See `wdm_irp::sys::IofCallDriver`.
#[unsafe(export_name = "wdm_irp_sim_IofCallDriver")]
unsafe extern "system" fn call_driver(device: *mut DEVICE_OBJECT, irp: *mut IRP) -> NTSTATUS {
    // SAFETY: by contract.
    unsafe { machine_of(irp).call_driver(device, irp) }
}

/// # Safety
/// See `wdm_irp::sys::IofCompleteRequest`.
#[unsafe(export_name = "wdm_irp_sim_IofCompleteRequest")]
unsafe extern "system" fn complete_request(irp: *mut IRP, _priority_boost: i8) {
    // SAFETY: by contract.
    unsafe { machine_of(irp).complete(irp) };
}

/// # Safety
/// See `wdm_irp::sys::IoCancelIrp`.
#[unsafe(export_name = "wdm_irp_sim_IoCancelIrp")]
unsafe extern "system" fn cancel_irp(irp: *mut IRP) -> u8 {
    // SAFETY: by contract.
    u8::from(unsafe { machine_of(irp).cancel(irp) })
}

/// # Safety
/// See `wdm_irp::sys::IoAcquireCancelSpinLock`.
#[unsafe(export_name = "wdm_irp_sim_IoAcquireCancelSpinLock")]
unsafe extern "system" fn acquire_cancel_spin_lock(irql: *mut u8) {
    let before = cancel::acquire();
    // SAFETY: writable by contract.
    unsafe { irql.write(before) };
}

#[unsafe(export_name = "wdm_irp_sim_IoReleaseCancelSpinLock")]
extern "system" fn release_cancel_spin_lock(irql: u8) {
    cancel::release(irql);
}

/// # Safety
/// See `wdm_irp::sys::KeInitializeEvent`.
#[unsafe(export_name = "wdm_irp_sim_KeInitializeEvent")]
unsafe extern "system" fn initialize_event(event: *mut KEVENT, kind: i32, state: u8) {
    // SAFETY: by contract.
    unsafe { event::initialize(event, kind, state != 0) };
}

/// # Safety
/// See `wdm_irp::sys::KeSetEvent`.
#[unsafe(export_name = "wdm_irp_sim_KeSetEvent")]
unsafe extern "system" fn set_event(event: *mut KEVENT, _increment: i32, wait: u8) -> i32 {
    // SAFETY: by contract.
    unsafe { event::set(event, wait != 0) }
}

/// # Safety
/// See `wdm_irp::sys::KeWaitForSingleObject`.
#[unsafe(export_name = "wdm_irp_sim_KeWaitForSingleObject")]
unsafe extern "system" fn wait_for_single_object(
    object: *mut c_void,
    _reason: i32,
    mode: i8,
    alertable: u8,
    timeout: *const i64,
) -> NTSTATUS {
    // SAFETY: null or readable by contract.
    let timeout = unsafe { timeout.as_ref() }.copied();
    // SAFETY: by contract.
    unsafe { wait::wait(object, mode, alertable != 0, timeout) }
}

/// # Safety
/// See `wdm_irp::sys::IoAllocateMdl`.
#[unsafe(export_name = "wdm_irp_sim_IoAllocateMdl")]
unsafe extern "system" fn allocate_mdl(
    address: *mut c_void,
    length: u32,
    secondary: u8,
    _charge_quota: u8,
    irp: *mut IRP,
) -> *mut MDL {
    let machine = machine_of(irp);
    // SAFETY: by contract.
    unsafe { machine.allocate_mdl(address, length, secondary != 0, irp) }
}

#[unsafe(export_name = "wdm_irp_sim_IoFreeMdl")]
extern "system" fn free_mdl(mdl: *mut MDL) {
    machine_of(mdl).free_mdl(mdl);
}

/// # Safety
/// See `wdm_irp::sys::MmProbeAndLockPages`.
#[unsafe(export_name = "wdm_irp_sim_MmProbeAndLockPages")]
unsafe extern "system" fn probe_and_lock_pages(mdl: *mut MDL, _access_mode: i8, operation: i32) {
    // SAFETY: by contract.
    unsafe { machine_of(mdl).lock_pages(mdl, operation) };
}

/// # Safety
/// See `wdm_irp::sys::MmUnlockPages`.
#[unsafe(export_name = "wdm_irp_sim_MmUnlockPages")]
unsafe extern "system" fn unlock_pages(mdl: *mut MDL) {
    // SAFETY: by contract.
    unsafe { machine_of(mdl).unlock_pages(mdl) };
}

#[unsafe(export_name = "wdm_irp_sim_KeGetCurrentIrql")]
extern "system" fn current_irql() -> u8 {
    irql::current()
}
