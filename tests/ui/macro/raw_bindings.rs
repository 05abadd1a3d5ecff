//! A raw routine that mixes the types of two bindings.

use wdm_irp::{completion_routine, sys};

#[allow(non_camel_case_types)]
mod bindings {
    pub struct _DEVICE_OBJECT;
    pub struct _IRP;
    pub type PDEVICE_OBJECT = *mut _DEVICE_OBJECT;
    pub type PIRP = *mut _IRP;
    pub type PVOID = *mut core::ffi::c_void;
    pub type NTSTATUS = i32;
}
use bindings::{NTSTATUS, PDEVICE_OBJECT, PVOID};

#[completion_routine(raw, bindings = bindings)]
unsafe extern "C" fn done(_device: PDEVICE_OBJECT, _irp: *mut sys::IRP, _context: PVOID) -> NTSTATUS {
    0
}

fn main() {}
