//! The dispatch routine of the lower devices.

use core::mem::offset_of;
use core::ptr::copy_nonoverlapping;

use wdm_irp::sys::{
    DEVICE_OBJECT, IO_STACK_LOCATION, IRP, IoGetCurrentIrpStackLocation, IoGetNextIrpStackLocation,
    IoMarkIrpPending, IofCallDriver, NTSTATUS, STATUS_DEVICE_BUSY, STATUS_SUCCESS,
};

use super::complete::complete;
use super::extension::{Behavior, Extension};
use super::pend::{complete_later, pend_until_cancelled};
use super::transfer::{record, transfer};

/// The dispatch routine of the lower devices.
///
/// # Safety
/// `device` is a lower device of this driver, whose extension is filled in, and `irp` is at it.
pub(in crate::kernel) unsafe fn dispatch(device: *mut DEVICE_OBJECT, irp: *mut IRP) -> NTSTATUS {
    // SAFETY: the device is valid by contract.
    let extension = unsafe { (*device).DeviceExtension }.cast::<Extension>();
    // SAFETY: the extension is filled in by contract.
    let behavior = unsafe { (*extension).behavior };
    match behavior {
        Behavior::Inline => {
            // SAFETY: by contract.
            let (status, information) = unsafe { transfer(device, irp) };
            // SAFETY: the IRP is at this device and is not used afterwards.
            unsafe { complete(irp, status, information) };
            status
        }
        Behavior::Busy => {
            // SAFETY: as for `Inline`.
            unsafe { complete(irp, STATUS_DEVICE_BUSY, 0) };
            STATUS_DEVICE_BUSY
        }
        Behavior::Pend | Behavior::Slow => {
            // SAFETY: by contract; the routine completes the IRP.
            unsafe { complete_later(device, irp, true) }
        }
        Behavior::ReturnSuccessAndComplete => {
            // SAFETY: as for `Pend`.
            unsafe { complete_later(device, irp, false) };
            STATUS_SUCCESS
        }
        Behavior::MarkAndReturnSuccess => {
            // SAFETY: the IRP is at this device.
            unsafe { IoMarkIrpPending(irp) };
            // SAFETY: by contract.
            let (status, information) = unsafe { transfer(device, irp) };
            // SAFETY: as for `Inline`.
            unsafe { complete(irp, status, information) };
            STATUS_SUCCESS
        }
        // SAFETY: by contract.
        Behavior::UntilCancelled => unsafe { pend_until_cancelled(irp) },
        Behavior::Forward => {
            // SAFETY: the extension is filled in by contract.
            let below = unsafe { (*extension).below };
            // SAFETY: by contract; the device below is there as long as this one.
            unsafe { forward(irp, below) }
        }
        Behavior::Record => {
            // SAFETY: by contract.
            let information = unsafe { record(device, irp) };
            // SAFETY: as for `Inline`.
            unsafe { complete(irp, STATUS_SUCCESS, information) };
            STATUS_SUCCESS
        }
        // SAFETY: by contract; the devices of the script get its requests only.
        Behavior::Script => unsafe { wdm_irp_conformance::dispatch(device, irp) },
    }
}

/// `IoCopyCurrentIrpStackLocationToNext` and `IoCallDriver`: a filter that is not interested.
///
/// # Safety
/// As for [`dispatch`]; `below` is valid, and the IRP has a stack location for it.
unsafe fn forward(irp: *mut IRP, below: *mut DEVICE_OBJECT) -> NTSTATUS {
    // The macro copies what lies before the completion routine, and clears the control bits.
    const BYTES: usize = offset_of!(IO_STACK_LOCATION, CompletionRoutine);

    // SAFETY: the IRP is at this device.
    let current = unsafe { IoGetCurrentIrpStackLocation(irp) };
    // SAFETY: there is a next location by contract.
    let next = unsafe { IoGetNextIrpStackLocation(irp) };
    // SAFETY: both are locations of this IRP, and not the same one.
    unsafe { copy_nonoverlapping(current.cast::<u8>(), next.cast::<u8>(), BYTES) };
    // SAFETY: a location of this IRP.
    unsafe { (*next).Control = 0 };
    // SAFETY: as above.
    unsafe { (*next).CompletionRoutine = None };
    // SAFETY: by contract. The status is passed on as it is.
    unsafe { IofCallDriver(below, irp) }
}
