//! A raw routine in pageable code ([H30](../../../docs/hazards.md#h30)).

use core::ffi::c_void;

use wdm_irp::completion_routine;
use wdm_irp::sys::{DEVICE_OBJECT, IRP, NTSTATUS};

#[completion_routine(raw)]
#[unsafe(link_section = "PAGE")]
unsafe extern "system" fn done(_device: *mut DEVICE_OBJECT, _irp: *mut IRP, _context: *mut c_void) -> NTSTATUS {
    0
}

fn main() {}
