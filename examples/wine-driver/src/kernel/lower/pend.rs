//! Requests that pend: until a worker thread completes them, or until they are cancelled.

use core::ffi::c_void;
use core::mem::offset_of;

use wdm_irp::sys::irp::Irp;
use wdm_irp::sys::{
    DEVICE_OBJECT, IRP, IoAcquireCancelSpinLock, IoMarkIrpPending, IoReleaseCancelSpinLock,
    IoSetCancelRoutine, KernelMode, NTSTATUS, STATUS_CANCELLED, STATUS_INSUFFICIENT_RESOURCES,
    STATUS_PENDING,
};

use super::complete::complete;
use super::extension::{Behavior, Extension};
use super::request::Request;
use crate::kernel::ntoskrnl::{
    DelayedWorkQueue, IO_WORKITEM, IoAllocateWorkItem, IoFreeWorkItem, IoQueueWorkItem,
    KeDelayExecutionThread,
};

/// How long [`Behavior::Slow`] takes, in units of 100 ns, relative.
static SLOW: i64 = -250 * 10_000;

/// Has a worker thread complete the request.
///
/// A work item and not a thread of the driver's own: it holds a reference to the device object, so
/// that the driver is not unloaded under its last instructions.
///
/// # Safety
/// `device` is a lower device of this driver. `irp` is at it, and the caller does not use it
/// afterwards.
pub(super) unsafe fn complete_later(
    device: *mut DEVICE_OBJECT,
    irp: *mut IRP,
    mark: bool,
) -> NTSTATUS {
    // SAFETY: the device is valid by contract.
    let item = unsafe { IoAllocateWorkItem(device) };
    if item.is_null() {
        // SAFETY: the IRP is at this device by contract, and is not used afterwards.
        unsafe { complete(irp, STATUS_INSUFFICIENT_RESOURCES, 0) };
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    // SAFETY: an IRP at a driver is allocated (contract).
    let cell = unsafe { driver_context(irp) };
    // SAFETY: WDM gives `DriverContext` to the driver that has the IRP, and that is this one.
    unsafe { cell.write(item) };
    if mark {
        // SAFETY: the IRP is at this device by contract, so the driver has a location in it.
        unsafe { IoMarkIrpPending(irp) };
    }
    // SAFETY: the item was just allocated and is not queued. `work` gets the device and the IRP
    // that its contract wants, and nobody else uses the IRP from here on.
    unsafe { IoQueueWorkItem(item, Some(work), DelayedWorkQueue, irp.cast()) };
    STATUS_PENDING
}

/// Completes the request of a work item.
///
/// # Safety
/// `device` and `irp` are those of a call of [`complete_later`] that has queued this.
unsafe extern "system" fn work(device: *mut DEVICE_OBJECT, irp: *mut c_void) {
    let irp: *mut IRP = irp.cast();
    // SAFETY: `complete_later` has left the IRP to this routine, so it is allocated.
    let cell = unsafe { driver_context(irp) };
    // SAFETY: `complete_later` has stored the item there, and the IRP is still at this driver.
    let item = unsafe { cell.read() };
    // SAFETY: the work item keeps the device.
    let extension = unsafe { (*device).DeviceExtension }.cast::<Extension>();
    // SAFETY: the extension was filled in before the device got requests.
    let Extension { behavior, .. } = unsafe { extension.read() };
    if matches!(
        behavior,
        Behavior::Slow | Behavior::ReturnSuccessAndComplete
    ) {
        // SAFETY: a worker thread runs at PASSIVE_LEVEL; the interval is a static variable.
        unsafe { KeDelayExecutionThread(KernelMode, 0, &raw const SLOW) };
    }
    // SAFETY: the device is kept, the IRP is at it, and it is completed afterwards.
    let (status, information) = unsafe { Request::new(device, irp) }.transfer();
    // SAFETY: the IRP was left to this routine, which does not use it afterwards.
    unsafe { complete(irp, status, information) };
    // SAFETY: the item of this very routine, which may free it (WDK, "IoFreeWorkItem").
    unsafe { IoFreeWorkItem(item) };
}

/// Returns the address of the first cell of `Irp->Tail.Overlay.DriverContext`.
///
/// # Safety
/// `irp` is allocated.
unsafe fn driver_context(irp: *mut IRP) -> *mut *mut IO_WORKITEM {
    const OFFSET: usize = offset_of!(IRP, Tail.Overlay.Anonymous1.Anonymous.DriverContext);
    // SAFETY: a field of the structure is in bounds of an IRP, which is allocated by contract.
    unsafe { irp.byte_add(OFFSET) }.cast()
}

/// Keeps the request until it is cancelled.
///
/// Under the cancel spin lock: once there is a cancel routine and the lock is free, the IRP may be
/// gone at any time.
///
/// # Safety
/// `irp` is at this driver, and the caller does not use it afterwards.
pub(super) unsafe fn pend_until_cancelled(irp: *mut IRP) -> NTSTATUS {
    let mut irql = 0;
    // SAFETY: `irql` is a local variable; the I/O manager calls dispatch routines without the lock.
    unsafe { IoAcquireCancelSpinLock(&raw mut irql) };
    // SAFETY: an IRP at a driver is allocated and that driver's (contract).
    let cancelled = unsafe { Irp::new(irp) }.cancel();
    if cancelled {
        // SAFETY: taken above, at this IRQL.
        unsafe { IoReleaseCancelSpinLock(irql) };
        // SAFETY: the IRP is at this driver by contract, and is not used afterwards.
        unsafe { complete(irp, STATUS_CANCELLED, 0) };
        return STATUS_CANCELLED;
    }
    // SAFETY: the IRP is at this driver by contract, which so has a location in it.
    unsafe { IoMarkIrpPending(irp) };
    // SAFETY: the IRP is at this driver by contract; the routine is a function.
    unsafe { IoSetCancelRoutine(irp, Some(cancel)) };
    // SAFETY: taken above, at this IRQL.
    unsafe { IoReleaseCancelSpinLock(irql) };
    STATUS_PENDING
}

/// Completes the request of [`pend_until_cancelled`] as cancelled.
///
/// # Safety
/// The I/O manager calls it, with the cancel spin lock held, for an IRP that it was set for.
unsafe extern "system" fn cancel(_device: *mut DEVICE_OBJECT, irp: *mut IRP) {
    // SAFETY: only a cancel routine completes these IRPs, so it is allocated and this driver's.
    let irql = unsafe { Irp::new(irp) }.cancel_irql();
    // SAFETY: the I/O manager holds the lock, and has stored in the IRP at which IRQL it took it.
    unsafe { IoReleaseCancelSpinLock(irql) };
    // SAFETY: the I/O manager has taken the cancel routine out of the IRP, so that it is called
    // once and this is the only completion. The IRP is not used afterwards.
    unsafe { complete(irp, STATUS_CANCELLED, 0) };
}
