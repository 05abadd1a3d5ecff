//! A raw routine with the Rust ABI.

use core::ffi::c_void;

use wdm_irp::completion_routine;
use wdm_irp::sys::{DEVICE_OBJECT, IRP, NTSTATUS};

#[completion_routine(raw)]
unsafe fn done(_device: *mut DEVICE_OBJECT, _irp: *mut IRP, _context: *mut c_void) -> NTSTATUS {
    0
}

fn main() {}
