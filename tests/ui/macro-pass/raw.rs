//! Raw routines of several bindings.
#![deny(warnings, missing_docs, unreachable_pub, clippy::pedantic)]

use core::ffi::c_void;

use wdm_irp::completion_routine;
use wdm_irp::sys::{DEVICE_OBJECT, IRP, NTSTATUS};

type Device = *mut DEVICE_OBJECT;

#[completion_routine(raw)]
unsafe extern "system" fn done(_device: Device, _irp: *mut IRP, _context: *mut c_void) -> NTSTATUS {
    0
}

/// For assembly.
///
/// # Safety
///
/// The arguments are those of the I/O manager.
#[completion_routine(raw)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn exported(_device: Device, _irp: *mut IRP, _context: *mut c_void) -> NTSTATUS {
    0
}

/// The shape of the WDK's own bindings.
#[allow(non_camel_case_types, clippy::upper_case_acronyms)]
mod bindings {
    pub(crate) struct _DEVICE_OBJECT;
    pub(crate) struct _IRP;
    pub(crate) type PDEVICE_OBJECT = *mut _DEVICE_OBJECT;
    pub(crate) type PIRP = *mut _IRP;
    pub(crate) type PVOID = *mut core::ffi::c_void;
    pub(crate) type NTSTATUS = i32;
}

#[completion_routine(raw, bindings = bindings)]
unsafe extern "C" fn foreign(
    _device: *mut bindings::_DEVICE_OBJECT,
    _irp: bindings::PIRP,
    _context: bindings::PVOID,
) -> i32 {
    0
}

#[completion_routine(raw)]
#[cfg(any())]
unsafe extern "C" fn configured_out(_: Missing, _: Missing, _: Missing) -> Missing {
    0
}

type Routine<D, I> = unsafe extern "C" fn(*mut D, *mut I, *mut c_void) -> NTSTATUS;

fn main() {
    // Still a function.
    let _: unsafe extern "system" fn(*mut DEVICE_OBJECT, *mut IRP, *mut c_void) -> NTSTATUS = done;
    let _: Routine<DEVICE_OBJECT, IRP> = exported;
    let _: Routine<bindings::_DEVICE_OBJECT, bindings::_IRP> = foreign;
}
