//! The object manager's functions.

use std::ffi::c_void;

use crate::exports::owner::kernel_of;

#[unsafe(export_name = "wdm_irp_sim_ObfReferenceObject")]
extern "system" fn ObfReferenceObject(object: *mut c_void) -> isize {
    kernel_of(object).ObfReferenceObject(object.addr())
}

#[unsafe(export_name = "wdm_irp_sim_ObfDereferenceObject")]
extern "system" fn ObfDereferenceObject(object: *mut c_void) -> isize {
    kernel_of(object).ObfDereferenceObject(object.addr())
}

#[unsafe(export_name = "wdm_irp_sim_ObDereferenceObjectDeferDelete")]
extern "system" fn ObDereferenceObjectDeferDelete(object: *mut c_void) {
    kernel_of(object).ObDereferenceObjectDeferDelete(object.addr());
}
