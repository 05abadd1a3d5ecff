//! The functions that `wdm_irp::sys` imports, under the names it imports them by.
//!
//! A misuse is recorded, never a panic: unwinding out of these functions would end the process.
//! After recording, the function does what does the least harm.

#![expect(non_snake_case, reason = "DDIs keep their names")]

use std::ffi::c_void;

use wdm_irp::sys::{DEVICE_OBJECT, EX_RUNDOWN_REF, IO_REMOVE_LOCK, IRP, KEVENT, MDL, NTSTATUS};

use crate::io::cancel;
use crate::ke::{event, irql, wait};
use crate::kernel::{Kernel, objects, this_thread};
use crate::sync::Arc;

/// Returns the instance that the object belongs to, or else the thread's.
fn kernel_of<T>(object: *mut T) -> Arc<Kernel> {
    objects::kernel_of(object.addr()).unwrap_or_else(this_thread::kernel)
}

#[unsafe(export_name = "wdm_irp_sim_IoAllocateIrp")]
extern "system" fn IoAllocateIrp(stack_size: i8, _charge_quota: u8) -> *mut IRP {
    this_thread::kernel().IoAllocateIrp(stack_size)
}

/// # Safety
/// See `wdm_irp::sys::IoFreeIrp`.
#[unsafe(export_name = "wdm_irp_sim_IoFreeIrp")]
unsafe extern "system" fn IoFreeIrp(irp: *mut IRP) {
    // SAFETY: the caller keeps to the contract of the DDI, which the model's function has, too.
    unsafe { kernel_of(irp).IoFreeIrp(irp) };
}

/// # Safety
/// See `wdm_irp::sys::IofCallDriver`.
#[unsafe(export_name = "wdm_irp_sim_IofCallDriver")]
unsafe extern "system" fn IofCallDriver(device: *mut DEVICE_OBJECT, irp: *mut IRP) -> NTSTATUS {
    // SAFETY: the caller keeps to the contract of the DDI, which the model's function has, too.
    unsafe { kernel_of(irp).IofCallDriver(device, irp) }
}

/// # Safety
/// See `wdm_irp::sys::IofCompleteRequest`.
#[unsafe(export_name = "wdm_irp_sim_IofCompleteRequest")]
unsafe extern "system" fn IofCompleteRequest(irp: *mut IRP, _priority_boost: i8) {
    // SAFETY: the caller keeps to the contract of the DDI, which the model's function has, too.
    unsafe { kernel_of(irp).IofCompleteRequest(irp) };
}

/// # Safety
/// See `wdm_irp::sys::IoCancelIrp`.
#[unsafe(export_name = "wdm_irp_sim_IoCancelIrp")]
unsafe extern "system" fn IoCancelIrp(irp: *mut IRP) -> u8 {
    // SAFETY: the caller keeps to the contract of the DDI, which the model's function has, too.
    u8::from(unsafe { kernel_of(irp).IoCancelIrp(irp) })
}

/// # Safety
/// See `wdm_irp::sys::IoAcquireCancelSpinLock`.
#[unsafe(export_name = "wdm_irp_sim_IoAcquireCancelSpinLock")]
unsafe extern "system" fn IoAcquireCancelSpinLock(irql: *mut u8) {
    let before = cancel::IoAcquireCancelSpinLock();
    // SAFETY: `irql` is writable by the contract of the DDI.
    unsafe { irql.write(before) };
}

#[unsafe(export_name = "wdm_irp_sim_IoReleaseCancelSpinLock")]
extern "system" fn IoReleaseCancelSpinLock(irql: u8) {
    cancel::IoReleaseCancelSpinLock(irql);
}

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

/// # Safety
/// See `wdm_irp::sys::IoAllocateMdl`.
#[unsafe(export_name = "wdm_irp_sim_IoAllocateMdl")]
unsafe extern "system" fn IoAllocateMdl(
    address: *mut c_void,
    length: u32,
    secondary: u8,
    _charge_quota: u8,
    irp: *mut IRP,
) -> *mut MDL {
    let kernel = kernel_of(irp);
    // SAFETY: the caller keeps to the contract of the DDI, which the model's function has, too.
    unsafe { kernel.IoAllocateMdl(address, length, secondary != 0, irp) }
}

#[unsafe(export_name = "wdm_irp_sim_IoFreeMdl")]
extern "system" fn IoFreeMdl(mdl: *mut MDL) {
    kernel_of(mdl).IoFreeMdl(mdl);
}

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

#[unsafe(export_name = "wdm_irp_sim_KeGetCurrentIrql")]
extern "system" fn KeGetCurrentIrql() -> u8 {
    irql::current()
}

/// # Safety
/// See `wdm_irp::sys::IoInitializeRemoveLockEx`.
#[unsafe(export_name = "wdm_irp_sim_IoInitializeRemoveLockEx")]
unsafe extern "system" fn IoInitializeRemoveLockEx(
    lock: *mut IO_REMOVE_LOCK,
    tag: u32,
    _max_locked_minutes: u32,
    _high_watermark: u32,
    size: u32,
) {
    // SAFETY: the caller keeps to the contract of the DDI, which the model's function has, too.
    unsafe { this_thread::kernel().IoInitializeRemoveLockEx(lock, tag, size) };
}

/// # Safety
/// See `wdm_irp::sys::IoAcquireRemoveLockEx`.
#[unsafe(export_name = "wdm_irp_sim_IoAcquireRemoveLockEx")]
unsafe extern "system" fn IoAcquireRemoveLockEx(
    lock: *mut IO_REMOVE_LOCK,
    tag: *mut c_void,
    _file: *const u8,
    _line: u32,
    _size: u32,
) -> NTSTATUS {
    // SAFETY: the caller keeps to the contract of the DDI, which the model's function has, too.
    unsafe { kernel_of(lock).IoAcquireRemoveLockEx(lock, tag.addr()) }
}

/// # Safety
/// See `wdm_irp::sys::IoReleaseRemoveLockEx`.
#[unsafe(export_name = "wdm_irp_sim_IoReleaseRemoveLockEx")]
unsafe extern "system" fn IoReleaseRemoveLockEx(
    lock: *mut IO_REMOVE_LOCK,
    tag: *mut c_void,
    _size: u32,
) {
    // SAFETY: the caller keeps to the contract of the DDI, which the model's function has, too.
    unsafe { kernel_of(lock).IoReleaseRemoveLockEx(lock, tag.addr()) };
}

/// # Safety
/// See `wdm_irp::sys::IoReleaseRemoveLockAndWaitEx`.
#[unsafe(export_name = "wdm_irp_sim_IoReleaseRemoveLockAndWaitEx")]
unsafe extern "system" fn IoReleaseRemoveLockAndWaitEx(
    lock: *mut IO_REMOVE_LOCK,
    tag: *mut c_void,
    _size: u32,
) {
    // SAFETY: the caller keeps to the contract of the DDI, which the model's function has, too.
    unsafe { kernel_of(lock).IoReleaseRemoveLockAndWaitEx(lock, tag.addr()) };
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
