//! The dispatch routine of the lower devices.

use wdm_irp::sys::{
    DEVICE_OBJECT, IRP, IoCopyCurrentIrpStackLocationToNext, IoMarkIrpPending, IofCallDriver,
    NTSTATUS, STATUS_DEVICE_BUSY, STATUS_SUCCESS,
};

use super::complete::complete;
use super::extension::{Behavior, Extension};
use super::pend::{complete_later, pend_until_cancelled};
use super::request::Request;

/// Dispatches the requests to the lower devices.
///
/// # Safety
/// `device` is a lower device of this driver, whose extension is filled in, and `irp` is at it.
pub(in crate::kernel) unsafe fn dispatch(device: *mut DEVICE_OBJECT, irp: *mut IRP) -> NTSTATUS {
    // SAFETY: the device is valid by contract.
    let extension = unsafe { (*device).DeviceExtension }.cast::<Extension>();
    // SAFETY: the extension is filled in by contract, and nobody writes it afterwards.
    let Extension { behavior, below } = unsafe { extension.read() };
    match behavior {
        Behavior::Inline => {
            // SAFETY: the device and the IRP at it by contract; the IRP is completed afterwards.
            let (status, information) = unsafe { Request::new(device, irp) }.transfer();
            // SAFETY: the IRP is at this device by contract, and is not used afterwards.
            unsafe { complete(irp, status, information) };
            status
        }
        Behavior::Busy => {
            // SAFETY: the IRP is at this device by contract, and is not used afterwards.
            unsafe { complete(irp, STATUS_DEVICE_BUSY, 0) };
            STATUS_DEVICE_BUSY
        }
        Behavior::Pend | Behavior::Slow => {
            // SAFETY: the device and the IRP at it by contract; the IRP is not used afterwards.
            unsafe { complete_later(device, irp, true) }
        }
        Behavior::ReturnSuccessAndComplete => {
            // SAFETY: the device and the IRP at it by contract; the IRP is not used afterwards.
            unsafe { complete_later(device, irp, false) };
            STATUS_SUCCESS
        }
        Behavior::MarkAndReturnSuccess => {
            // SAFETY: the IRP is at this device by contract, so the driver has a location in it.
            unsafe { IoMarkIrpPending(irp) };
            // SAFETY: the device and the IRP at it by contract; the IRP is completed afterwards.
            let (status, information) = unsafe { Request::new(device, irp) }.transfer();
            // SAFETY: the IRP is at this device by contract, and is not used afterwards.
            unsafe { complete(irp, status, information) };
            STATUS_SUCCESS
        }
        // SAFETY: the IRP is at this device by contract, and is not used afterwards.
        Behavior::UntilCancelled => unsafe { pend_until_cancelled(irp) },
        // SAFETY: the IRP is at this device by contract. Devices that forward have two locations,
        // and their `below` is deleted by the same unload as they are (invariants of `Extension`).
        Behavior::Forward => unsafe { forward(irp, below) },
        Behavior::Record => {
            // SAFETY: the device and the IRP at it by contract; the IRP is completed afterwards.
            let information = unsafe { Request::new(device, irp) }.record();
            // SAFETY: the IRP is at this device by contract, and is not used afterwards.
            unsafe { complete(irp, STATUS_SUCCESS, information) };
            STATUS_SUCCESS
        }
        // SAFETY: only the conformance script sends requests to the devices with this behavior.
        Behavior::Script => unsafe { wdm_irp_conformance::dispatch(device, irp) },
    }
}

/// Forwards a request, as a filter driver does that is not interested in its outcome.
///
/// # Safety
/// `irp` is at this driver, has a stack location for `below`, which is valid, and is not used
/// afterwards.
unsafe fn forward(irp: *mut IRP, below: *mut DEVICE_OBJECT) -> NTSTATUS {
    // SAFETY: the driver has a location in the IRP, and there is one below it (contract).
    unsafe { IoCopyCurrentIrpStackLocationToNext(irp) };
    // SAFETY: the device is valid, and the IRP this driver's (contract); its next location was
    // filled in.
    unsafe { IofCallDriver(below, irp) }
}
