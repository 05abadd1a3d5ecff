//! Targets of every kind, with the `unsafe` that vouches for modeled devices.
#![expect(unsafe_code, reason = "vouches for the devices")]

use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::passive;
use wdm_irp::irql::UpToDispatch;
use wdm_irp::sys::DEVICE_OBJECT;
use wdm_irp::target::{DesiredAccess, DevicePair, Hold, OpenedDevice};
use wdm_irp::{IrpError, TargetDevice};
use wdm_irp_sim::Device;

fn object(device: &Device) -> NonNull<DEVICE_OBJECT> {
    NonNull::new(device.as_ptr()).expect("a device object is not null")
}

/// Makes a target of a modeled device, whose drivers take requests at `PASSIVE_LEVEL`.
///
/// # Errors
/// The stack is too deep.
pub fn target(device: &Device) -> Result<TargetDevice, IrpError> {
    // SAFETY: the model keeps device objects until its machine ends, and a machine ends when each
    // of its IRPs is completed. Modeled drivers treat requests as documented; tests are not
    // unloaded.
    unsafe { TargetDevice::from_raw(object(device)) }
}

/// Makes a target of the uppermost device of a modeled stack.
///
/// # Errors
/// The stack is too deep.
pub fn attached(device: &Device) -> Result<TargetDevice, IrpError> {
    // SAFETY: as in `target`.
    unsafe { TargetDevice::attached(object(device)) }
}

/// Makes a pair whose requests hold a lock, and whose routines are registered for the own device.
///
/// # Errors
/// The stack is too deep.
pub fn locked<H: Hold>(
    own: &Device,
    lower: &Device,
    lock: &'static H,
) -> Result<DevicePair<H>, IrpError> {
    // SAFETY: as in `target`; the lock is static.
    unsafe { DevicePair::new(object(own), object(lower), lock) }
}

/// Lets routines be registered by `IoSetCompletionRoutine`.
#[must_use]
pub fn stays_loaded<H: Hold>(pair: DevicePair<H>) -> DevicePair<H> {
    // SAFETY: tests are not unloaded.
    unsafe { pair.keeps_image_loaded() }
}

/// Lets requests be sent at `DISPATCH_LEVEL`.
#[must_use]
pub fn at_dispatch_level<H>(pair: DevicePair<H>) -> DevicePair<H, UpToDispatch> {
    // SAFETY: modeled drivers run at any IRQL up to DISPATCH_LEVEL.
    unsafe { pair.takes_dispatch_level() }
}

/// Opens a modeled device.
///
/// # Errors
/// It is not opened, or its stack is too deep.
pub fn open(name: &[u16]) -> Result<OpenedDevice, IrpError> {
    // SAFETY: as in `target`.
    unsafe { OpenedDevice::open(name, DesiredAccess::READ, passive()) }
}

/// Lets requests be sent at `DISPATCH_LEVEL`.
#[must_use]
pub fn opened_at_dispatch_level(opened: OpenedDevice) -> OpenedDevice<UpToDispatch> {
    // SAFETY: modeled drivers run at any IRQL up to DISPATCH_LEVEL.
    unsafe { opened.takes_dispatch_level() }
}

/// Sets and clears flags of a device, as a file system or class driver may at any time.
pub fn change_flags(device: &Device, set: u32, clear: u32) {
    let device = device.as_ptr();
    // SAFETY: in bounds of a device object, which the model keeps.
    let flags = unsafe { &raw mut (*device).Flags };
    // SAFETY: as above; whoever else accesses the flags does so atomically.
    let flags = unsafe { AtomicU32::from_ptr(flags) };
    flags.fetch_or(set, Ordering::Relaxed);
    flags.fetch_and(!clear, Ordering::Relaxed);
}
