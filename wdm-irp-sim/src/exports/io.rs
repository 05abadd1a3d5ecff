//! The I/O manager's functions.

use std::ffi::c_void;

use wdm_irp::sys::{
    ACCESS_MASK, DEVICE_OBJECT, FILE_OBJECT, IO_REMOVE_LOCK, IRP, MDL, NTSTATUS,
    PIO_COMPLETION_ROUTINE, SL_INVOKE_ON_CANCEL, SL_INVOKE_ON_ERROR, SL_INVOKE_ON_SUCCESS,
    STATUS_SUCCESS, UNICODE_STRING,
};

use crate::exports::owner::kernel_of;
use crate::io::{cancel, open};
use crate::kernel::this_thread;

#[unsafe(export_name = "wdm_irp_sim_IoAllocateIrp")]
extern "system" fn IoAllocateIrp(stack_size: i8, charge_quota: u8) -> *mut IRP {
    this_thread::kernel().IoAllocateIrp(stack_size, charge_quota != 0)
}

/// # Safety
/// See `wdm_irp::sys::IoFreeIrp`.
#[unsafe(export_name = "wdm_irp_sim_IoFreeIrp")]
unsafe extern "system" fn IoFreeIrp(irp: *mut IRP) {
    // SAFETY: the caller keeps to the contract of the DDI, which the model's function has, too.
    unsafe { kernel_of(irp).IoFreeIrp(irp) };
}

/// # Safety
/// See `wdm_irp::sys::IoReuseIrp`.
#[unsafe(export_name = "wdm_irp_sim_IoReuseIrp")]
unsafe extern "system" fn IoReuseIrp(irp: *mut IRP, status: NTSTATUS) {
    // SAFETY: the caller keeps to the contract of the DDI, which the model's function has, too.
    unsafe { kernel_of(irp).IoReuseIrp(irp, status) };
}

/// # Safety
/// See `wdm_irp::sys::IoInitializeIrp`.
#[unsafe(export_name = "wdm_irp_sim_IoInitializeIrp")]
unsafe extern "system" fn IoInitializeIrp(irp: *mut IRP, packet_size: u16, stack_size: i8) {
    // SAFETY: the caller keeps to the contract of the DDI, which the model's function has, too.
    unsafe { this_thread::kernel().IoInitializeIrp(irp, packet_size, stack_size) };
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
/// See `wdm_irp::sys::IoSetCompletionRoutineEx`.
#[unsafe(export_name = "wdm_irp_sim_IoSetCompletionRoutineEx")]
unsafe extern "system" fn IoSetCompletionRoutineEx(
    device: *mut DEVICE_OBJECT,
    irp: *mut IRP,
    routine: PIO_COMPLETION_ROUTINE,
    context: *mut c_void,
    on_success: u8,
    on_error: u8,
    on_cancel: u8,
) -> NTSTATUS {
    let control = [
        (on_success, SL_INVOKE_ON_SUCCESS),
        (on_error, SL_INVOKE_ON_ERROR),
        (on_cancel, SL_INVOKE_ON_CANCEL),
    ]
    .into_iter()
    .filter(|(wanted, _)| *wanted != 0)
    .fold(0, |control, (_, flag)| control | flag);
    let kernel = kernel_of(irp);
    // SAFETY: the caller keeps to the contract of the DDI, which the model's function has, too.
    unsafe { kernel.IoSetCompletionRoutineEx(device, irp, routine, context, control) }
}

#[unsafe(export_name = "wdm_irp_sim_IoGetAttachedDeviceReference")]
extern "system" fn IoGetAttachedDeviceReference(device: *mut DEVICE_OBJECT) -> *mut DEVICE_OBJECT {
    kernel_of(device).IoGetAttachedDeviceReference(device)
}

/// # Safety
/// See `wdm_irp::sys::IoGetDeviceObjectPointer`.
#[unsafe(export_name = "wdm_irp_sim_IoGetDeviceObjectPointer")]
unsafe extern "system" fn IoGetDeviceObjectPointer(
    name: *mut UNICODE_STRING,
    access: ACCESS_MASK,
    file: *mut *mut FILE_OBJECT,
    device: *mut *mut DEVICE_OBJECT,
) -> NTSTATUS {
    // SAFETY: the string is valid by the contract of the DDI.
    let name = unsafe { open::text_of(name) };
    match this_thread::kernel().IoGetDeviceObjectPointer(&name, access) {
        Ok((opened, top)) => {
            // SAFETY: writable by the contract of the DDI.
            unsafe { file.write(opened) };
            // SAFETY: as above.
            unsafe { device.write(top) };
            STATUS_SUCCESS
        }
        Err(status) => status,
    }
}
