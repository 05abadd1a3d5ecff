//! A generic raw routine.

use core::ffi::c_void;

use wdm_irp::completion_routine;
use wdm_irp::sys::{DEVICE_OBJECT, IRP, NTSTATUS};

#[completion_routine(raw)]
unsafe extern "system" fn done<'a, T>(_device: *mut DEVICE_OBJECT, _irp: *mut IRP, _context: *mut T) -> NTSTATUS
where
    T: 'a,
{
    let _: *mut c_void;
    0
}

fn main() {}
