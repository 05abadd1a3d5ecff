//! The driver's device objects: the control device, and the lower devices.

use core::ptr::{NonNull, null_mut};
use core::sync::atomic::AtomicPtr;

use wdm_irp::sys::{
    DEVICE_OBJECT, DO_BUFFERED_IO, DO_DIRECT_IO, DRIVER_OBJECT, NT_SUCCESS, NTSTATUS,
    STATUS_INVALID_DEVICE_REQUEST,
};

use super::lower::Behavior;
use super::ntoskrnl::{
    FILE_DEVICE_SECURE_OPEN, FILE_DEVICE_UNKNOWN, IoCreateDevice, IoDeleteDevice, UNICODE_STRING,
};

/// The control device: every other device of the driver is a lower device.
pub(super) static CONTROL: AtomicPtr<DEVICE_OBJECT> = AtomicPtr::new(null_mut());

/// What the lower devices are: behavior, I/O method and stack size, in the order of [`LOWER`].
pub(super) const LOWER_KINDS: [(Behavior, u32, i8); 16] = [
    (Behavior::Inline, DO_BUFFERED_IO, 1),
    (Behavior::Inline, DO_DIRECT_IO, 1),
    (Behavior::Busy, DO_BUFFERED_IO, 1),
    (Behavior::Pend, DO_BUFFERED_IO, 1),
    (Behavior::Pend, DO_DIRECT_IO, 1),
    (Behavior::Slow, DO_BUFFERED_IO, 1),
    (Behavior::UntilCancelled, DO_BUFFERED_IO, 1),
    (Behavior::Forward, DO_BUFFERED_IO, 2),
    (Behavior::Record, DO_BUFFERED_IO, 1),
    (Behavior::MarkAndReturnSuccess, DO_BUFFERED_IO, 1),
    (Behavior::ReturnSuccessAndComplete, DO_BUFFERED_IO, 1),
    (Behavior::Inline, DO_BUFFERED_IO, 126),
    (Behavior::Inline, DO_BUFFERED_IO, 127),
    (Behavior::Script, DO_BUFFERED_IO, 3),
    (Behavior::Script, DO_BUFFERED_IO, 2),
    (Behavior::Script, DO_BUFFERED_IO, 1),
];

/// Where in [`LOWER_KINDS`] the device is that [`Behavior::Forward`] forwards to; it comes first.
pub(super) const FORWARDED_TO: usize = 3;

/// The lower devices, from `DriverEntry` to unload.
pub(super) static LOWER: [AtomicPtr<DEVICE_OBJECT>; LOWER_KINDS.len()] =
    [const { AtomicPtr::new(null_mut()) }; LOWER_KINDS.len()];

/// Creates a device object.
///
/// # Safety
/// `driver` is the object of this driver, whose `DriverEntry` is running. `name` is null, or a
/// string that is valid for the call.
pub(super) unsafe fn create_device(
    driver: *mut DRIVER_OBJECT,
    name: *const UNICODE_STRING,
    extension: usize,
) -> Result<NonNull<DEVICE_OBJECT>, NTSTATUS> {
    let extension = u32::try_from(extension).map_err(|_| STATUS_INVALID_DEVICE_REQUEST)?;
    let mut device = null_mut();
    // SAFETY: driver and name by contract; `device` is a local variable. `DriverEntry` is called at
    // PASSIVE_LEVEL.
    check(unsafe {
        IoCreateDevice(
            driver,
            extension,
            name,
            FILE_DEVICE_UNKNOWN,
            FILE_DEVICE_SECURE_OPEN,
            0,
            &raw mut device,
        )
    })?;
    NonNull::new(device).ok_or(STATUS_INVALID_DEVICE_REQUEST)
}

/// Deletes all device objects of the driver.
///
/// # Safety
/// `driver` is the object of this driver, and none of its devices is in use.
pub(super) unsafe fn delete_devices(driver: *const DRIVER_OBJECT) {
    loop {
        // SAFETY: the driver object is valid by contract.
        let first = unsafe { &raw const (*driver).DeviceObject };
        // SAFETY: a field of the valid driver object. Volatile, as `IoDeleteDevice` changes it
        // behind a pointer to const.
        let device = unsafe { first.read_volatile() };
        if device.is_null() {
            return;
        }
        // SAFETY: the first device in the driver's list, which is not in use by contract.
        unsafe { IoDeleteDevice(device) };
    }
}

/// Turns a status into a result.
pub(super) fn check(status: NTSTATUS) -> Result<(), NTSTATUS> {
    if NT_SUCCESS(status) {
        Ok(())
    } else {
        Err(status)
    }
}
