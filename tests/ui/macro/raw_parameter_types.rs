//! A raw routine with wrong parameters.

use core::ffi::c_void;

use wdm_irp::completion_routine;
use wdm_irp::sys::{DEVICE_OBJECT, IRP, NTSTATUS};

#[completion_routine(raw)]
unsafe extern "system" fn done(_irp: *mut IRP, _device: &DEVICE_OBJECT, _context: *const c_void) -> NTSTATUS {
    0
}

fn main() {}
