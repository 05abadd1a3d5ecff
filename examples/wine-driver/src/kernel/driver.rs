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
use crate::protocol::NAME;

const DEVICE: &str = r"\Device\";
const LINK: &str = r"\DosDevices\";

/// Where the kernel enters the driver.
///
/// # Safety
/// The I/O manager calls it once, at `PASSIVE_LEVEL`, with the driver's own object.
#[unsafe(export_name = "DriverEntry")]
unsafe extern "system" fn driver_entry(
    driver: *mut DRIVER_OBJECT,
    _registry_path: *const UNICODE_STRING,
) -> NTSTATUS {
    // SAFETY: by contract.
    match unsafe { start(driver) } {
        Ok(()) => STATUS_SUCCESS,
        Err(status) => {
            // SAFETY: by contract; nobody has opened a device yet.
            unsafe { delete_devices(driver) };
            status
        }
    }
}

/// # Safety
/// As for [`driver_entry`].
unsafe fn start(driver: *mut DRIVER_OBJECT) -> Result<(), NTSTATUS> {
    faults::find_functions()?;
    // SAFETY: the driver object is the driver's to fill in.
    unsafe { (*driver).MajorFunction = [Some(dispatch); 28] };
    // SAFETY: as above.
    unsafe { (*driver).DriverUnload = Some(unload) };

    for (slot, (behavior, flags, stack_size)) in LOWER.iter().zip(LOWER_KINDS) {
        let below = LOWER[FORWARDED_TO].load(Ordering::Acquire);
        // SAFETY: by contract; the device has no name.
        let device = unsafe { create_device(driver, null(), size_of::<Extension>()) }?.as_ptr();
        // SAFETY: just created, and nobody else knows it yet.
        let extension = unsafe { (*device).DeviceExtension }.cast::<Extension>();
        // SAFETY: the extension was asked for with this size; extensions are aligned for pointers.
        unsafe { extension.write(Extension { behavior, below }) };
        // SAFETY: as for the extension.
        unsafe { (*device).Flags |= flags };
        // SAFETY: as above.
        unsafe { (*device).StackSize = stack_size };
        slot.store(device, Ordering::Release);
    }

    with_unicode(&[DEVICE, NAME], |name| {
        // SAFETY: `name` is valid for the call.
        let control = unsafe { create_device(driver, name, 0) }?;
        // SAFETY: just created, and nobody else knows it yet.
        unsafe { (*control.as_ptr()).Flags |= DO_BUFFERED_IO };
        CONTROL.store(control.as_ptr(), Ordering::Release);
        with_unicode(&[LINK, NAME], |link| {
            // SAFETY: both strings are valid for the call.
            check(unsafe { IoCreateSymbolicLink(link, name) })
        })
    })
}

/// The `DriverUnload` routine.
///
/// # Safety
/// The I/O manager calls it once, at `PASSIVE_LEVEL`, when no device of the driver is open.
unsafe extern "system" fn unload(driver: *const DRIVER_OBJECT) {
    with_unicode(&[LINK, NAME], |link| {
        // SAFETY: the string is valid for the call. There is nobody to tell about a failure.
        unsafe { IoDeleteSymbolicLink(link) };
    });
    // SAFETY: by contract.
    unsafe { delete_devices(driver) };
}

/// The dispatch routine for all requests to all devices.
///
/// # Safety
/// The I/O manager calls it, with a device of this driver and an IRP that is at it.
unsafe extern "system" fn dispatch(device: *const DEVICE_OBJECT, irp: *mut IRP) -> NTSTATUS {
    let device = device.cast_mut();
    if device != CONTROL.load(Ordering::Acquire) {
        // SAFETY: by contract; every device but the control device is a lower device.
        return unsafe { lower::dispatch(device, irp) };
    }
    // SAFETY: by contract.
    let (status, information) = unsafe { control(irp) };
    // SAFETY: the IRP is at this device and is not used afterwards.
    unsafe { complete(irp, status, information) };
    status
}
