//! Entry, unload, and the dispatch routine.

use core::ptr::null;
use core::sync::atomic::Ordering;

use wdm_irp::sys::{DEVICE_OBJECT, DO_BUFFERED_IO, DRIVER_OBJECT, IRP, NTSTATUS, STATUS_SUCCESS};

use super::control::control;
use super::devices::{
    CONTROL, FORWARDED_TO, LOWER, LOWER_KINDS, check, create_device, delete_devices,
};
use super::faults;
use super::lower::{self, Extension, complete};
use super::ntoskrnl::{IoCreateSymbolicLink, IoDeleteSymbolicLink, UNICODE_STRING, with_unicode};
use super::standins;
use crate::protocol::NAME;

/// The directory of the device objects.
pub(super) const DEVICE: &str = r"\Device\";
/// The directory of the names that Win32 programs open.
const LINK: &str = r"\DosDevices\";

/// Starts the driver: the kernel enters it here.
///
/// # Safety
/// The I/O manager calls it once, at `PASSIVE_LEVEL`, with the driver's own object.
#[unsafe(export_name = "DriverEntry")]
unsafe extern "system" fn driver_entry(
    driver: *mut DRIVER_OBJECT,
    _registry_path: *const UNICODE_STRING,
) -> NTSTATUS {
    // SAFETY: the driver's own object, at PASSIVE_LEVEL, by contract.
    match unsafe { start(driver) } {
        Ok(()) => STATUS_SUCCESS,
        Err(status) => {
            // SAFETY: the driver's own object by contract. The I/O manager opens no device of a
            // driver before its `DriverEntry` has succeeded, so none is in use.
            unsafe { delete_devices(driver) };
            status
        }
    }
}

/// Fills in the driver object, and creates the devices.
///
/// # Safety
/// `driver` is the object of this driver, whose `DriverEntry` is running, at `PASSIVE_LEVEL`.
unsafe fn start(driver: *mut DRIVER_OBJECT) -> Result<(), NTSTATUS> {
    faults::find_functions()?;
    standins::find_functions()?;
    // SAFETY: the object is valid by contract, and `DriverEntry`'s to fill in.
    unsafe { (*driver).MajorFunction = [Some(dispatch); 28] };
    // SAFETY: as above.
    unsafe { (*driver).DriverUnload = Some(unload) };

    for (slot, (behavior, flags, stack_size)) in LOWER.iter().zip(LOWER_KINDS) {
        let below = LOWER[FORWARDED_TO].load(Ordering::Acquire);
        // SAFETY: driver and moment by contract; the device has no name.
        let device = unsafe { create_device(driver, null(), size_of::<Extension>()) }?.as_ptr();
        // SAFETY: just created, so valid.
        let extension = unsafe { (*device).DeviceExtension }.cast::<Extension>();
        // INVARIANT: `below` is null or a device that unload deletes together with this one (1),
        // and `LOWER_KINDS` gives the device that forwards a location more (2).
        // SAFETY: the extension was asked for with this size; extensions are aligned for pointers.
        // The device gets no requests before `DriverEntry` returns.
        unsafe { extension.write(Extension { behavior, below }) };
        // SAFETY: just created, and nobody else accesses it yet.
        unsafe { (*device).Flags |= flags };
        // SAFETY: as above.
        unsafe { (*device).StackSize = stack_size };
        slot.store(device, Ordering::Release);
    }

    with_unicode(&[DEVICE, NAME], |name| {
        // SAFETY: driver and moment by contract; `with_unicode` keeps the name for the call.
        let control = unsafe { create_device(driver, name, 0) }?;
        // SAFETY: just created, and nobody opens it before `DriverEntry` returns.
        unsafe { (*control.as_ptr()).Flags |= DO_BUFFERED_IO };
        CONTROL.store(control.as_ptr(), Ordering::Release);
        with_unicode(&[LINK, NAME], |link| {
            // SAFETY: `with_unicode` keeps both strings for the call; PASSIVE_LEVEL by contract.
            check(unsafe { IoCreateSymbolicLink(link, name) })
        })
    })
}

/// Deletes what `DriverEntry` has made (`DriverUnload`).
///
/// # Safety
/// The I/O manager calls it once, at `PASSIVE_LEVEL`, when no device of the driver is open.
unsafe extern "system" fn unload(driver: *const DRIVER_OBJECT) {
    with_unicode(&[LINK, NAME], |link| {
        // SAFETY: `with_unicode` keeps the string for the call; PASSIVE_LEVEL by contract. There is
        // nobody to tell about a failure.
        unsafe { IoDeleteSymbolicLink(link) };
    });
    // SAFETY: the driver's own object, none of whose devices is open, by contract.
    unsafe { delete_devices(driver) };
}

/// Dispatches the requests to all devices.
///
/// # Safety
/// The I/O manager calls it, with a device of this driver and an IRP that is at it.
unsafe extern "system" fn dispatch(device: *const DEVICE_OBJECT, irp: *mut IRP) -> NTSTATUS {
    let device = device.cast_mut();
    if device != CONTROL.load(Ordering::Acquire) {
        // SAFETY: every device but the control device is a lower device, whose extension `start`
        // has filled in; the IRP is at it by contract.
        return unsafe { lower::dispatch(device, irp) };
    }
    // SAFETY: this is the control device, and the IRP is at it by contract.
    let (status, information) = unsafe { control(irp) };
    // SAFETY: the IRP is at this driver by contract, and is not used afterwards.
    unsafe { complete(irp, status, information) };
    status
}
