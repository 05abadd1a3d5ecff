//! A raw routine that is not `unsafe`.

use core::ffi::c_void;

use wdm_irp::completion_routine;
use wdm_irp::sys::{DEVICE_OBJECT, IRP, NTSTATUS};

#[completion_routine(raw)]
extern "system" fn done(_device: *mut DEVICE_OBJECT, _irp: *mut IRP, _context: *mut c_void) -> NTSTATUS {
    0
}

fn main() {}
