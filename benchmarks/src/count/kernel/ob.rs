//! `Ob`: references. Objects here outlive every program, so nothing is counted.

use core::ffi::c_void;
use core::hint::black_box;

use wdm_irp::sys::DEVICE_OBJECT;

#[unsafe(export_name = "wdm_irp_sim_ObfReferenceObject")]
#[inline(never)]
extern "system" fn reference(object: *mut c_void) -> isize {
    black_box(object);
    black_box(2)
}

#[unsafe(export_name = "wdm_irp_sim_ObDereferenceObjectDeferDelete")]
#[inline(never)]
extern "system" fn dereference(object: *mut c_void) {
    black_box(object);
}

#[unsafe(export_name = "wdm_irp_sim_IoGetAttachedDeviceReference")]
#[inline(never)]
extern "system" fn attached(device: *mut DEVICE_OBJECT) -> *mut DEVICE_OBJECT {
    black_box(device)
}
