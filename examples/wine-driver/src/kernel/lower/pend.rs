//! Requests that pend: until a worker thread completes them, or until they are cancelled.

use core::ffi::c_void;
use core::mem::offset_of;

use wdm_irp::sys::{
    DEVICE_OBJECT, IRP, IoAcquireCancelSpinLock, IoMarkIrpPending, IoReleaseCancelSpinLock,
    IoSetCancelRoutine, KernelMode, NTSTATUS, STATUS_CANCELLED, STATUS_INSUFFICIENT_RESOURCES,
    STATUS_PENDING,
};

use super::complete::complete;
use super::extension::{Behavior, Extension};
use super::transfer::transfer;
use crate::kernel::ntoskrnl::{
    DelayedWorkQueue, IO_WORKITEM, IoAllocateWorkItem, IoFreeWorkItem, IoQueueWorkItem,
    KeDelayExecutionThread,
};

/// How long [`Behavior::Slow`] takes, in units of 100 ns, relative.
static SLOW: i64 = -250 * 10_000;

/// Has a worker thread complete the request.
///
/// A work item and not a thread of the driver's own: it holds a reference to the device object, so that the driver is
/// not unloaded under its last instructions.
///
/// # Safety
/// As for [`dispatch`].
pub(super) unsafe fn complete_later(
    device: *mut DEVICE_OBJECT,
    irp: *mut IRP,
    mark: bool,
) -> NTSTATUS {
    // SAFETY: the device is valid by contract.
    let item = unsafe { IoAllocateWorkItem(device) };
    if item.is_null() {
        // SAFETY: the IRP is at this device and is not used afterwards.
        unsafe { complete(irp, STATUS_INSUFFICIENT_RESOURCES, 0) };
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    // SAFETY: the IRP is at this device.
    let cell = unsafe { driver_context(irp) };
    // SAFETY: the cell belongs to the driver that holds the IRP.
    unsafe { cell.write(item) };
    if mark {
        // SAFETY: the IRP is at this device.
        unsafe { IoMarkIrpPending(irp) };
    }
    // SAFETY: the item is new; the routine takes over the item and the IRP.
    unsafe { IoQueueWorkItem(item, Some(work), DelayedWorkQueue, irp.cast()) };
    STATUS_PENDING
}

/// The work item of [`complete_later`].
///
/// # Safety
/// `device` and `irp` are those of [`complete_later`].
unsafe extern "system" fn work(device: *mut DEVICE_OBJECT, irp: *mut c_void) {
    let irp: *mut IRP = irp.cast();
    // SAFETY: the IRP is at this device.
    let cell = unsafe { driver_context(irp) };
    // SAFETY: `complete_later` has stored the item.
    let item = unsafe { cell.read() };
    // SAFETY: the device is valid by contract.
    let extension = unsafe { (*device).DeviceExtension }.cast::<Extension>();
    // SAFETY: as above; the extension is filled in.
    let behavior = unsafe { (*extension).behavior };
    if matches!(
        behavior,
        Behavior::Slow | Behavior::ReturnSuccessAndComplete
    ) {
        // SAFETY: a worker thread runs at PASSIVE_LEVEL; the interval is readable.
        unsafe { KeDelayExecutionThread(KernelMode, 0, &raw const SLOW) };
    }
    // SAFETY: the IRP is at this device.
    let (status, information) = unsafe { transfer(device, irp) };
    // SAFETY: as above, and it is not used afterwards.
    unsafe { complete(irp, status, information) };
    // SAFETY: the item is that of `complete_later`; its routine may free it.
    unsafe { IoFreeWorkItem(item) };
}

/// The first cell of `Irp->Tail.Overlay.DriverContext`.
///
/// # Safety
/// `irp` is valid.
unsafe fn driver_context(irp: *mut IRP) -> *mut *mut IO_WORKITEM {
    const OFFSET: usize = offset_of!(IRP, Tail.Overlay.Anonymous1.Anonymous.DriverContext);
    // SAFETY: in bounds of a valid IRP.
    unsafe { irp.byte_add(OFFSET) }.cast()
}

/// Keeps the request until it is cancelled.
///
/// Under the cancel spin lock: once there is a cancel routine and the lock is free, the IRP may be gone at any time.
///
/// # Safety
/// As for [`dispatch`].
pub(super) unsafe fn pend_until_cancelled(irp: *mut IRP) -> NTSTATUS {
    let mut irql = 0;
    // SAFETY: the lock is not held: dispatch routines are called without it.
    unsafe { IoAcquireCancelSpinLock(&raw mut irql) };
    // SAFETY: the IRP is at this device.
    let cancelled = unsafe { &raw const (*irp).Cancel }.cast::<u8>();
    // SAFETY: as above. A BOOLEAN is read as the byte that it is.
    let cancelled = unsafe { cancelled.read() } != 0;
    if cancelled {
        // SAFETY: taken above.
        unsafe { IoReleaseCancelSpinLock(irql) };
        // SAFETY: the IRP is at this device and is not used afterwards.
        unsafe { complete(irp, STATUS_CANCELLED, 0) };
        return STATUS_CANCELLED;
    }
    // SAFETY: the IRP is at this device.
    unsafe { IoMarkIrpPending(irp) };
    // SAFETY: as above; the routine is static.
    unsafe { IoSetCancelRoutine(irp, Some(cancel)) };
    // SAFETY: taken above.
    unsafe { IoReleaseCancelSpinLock(irql) };
    STATUS_PENDING
}

/// The cancel routine of [`pend_until_cancelled`].
///
/// # Safety
/// The I/O manager calls it, with the cancel spin lock held.
unsafe extern "system" fn cancel(_device: *mut DEVICE_OBJECT, irp: *mut IRP) {
    // SAFETY: the IRP is at this device.
    let irql = unsafe { (*irp).CancelIrql };
    // SAFETY: the lock is held, and this is the IRQL it was taken at.
    unsafe { IoReleaseCancelSpinLock(irql) };
    // SAFETY: the I/O manager has taken the cancel routine, so this is the only completion.
    unsafe { complete(irp, STATUS_CANCELLED, 0) };
}
