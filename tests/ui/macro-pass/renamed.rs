//! The library under another name.
#![deny(warnings)]

mod vendor {
    pub mod irp {
        pub use wdm_irp::*;
    }
}

use vendor::irp::{Completing, Signaled, completion_routine, sys};

#[completion_routine(crate = crate::vendor::irp)]
fn read_done(irp: Completing<'_, u8>) -> Signaled<'_> {
    irp.signal_if_pended()
}

/// In a resident section of its own.
#[completion_routine(crate = vendor::irp)]
#[unsafe(link_section = ".text$r")]
fn write_done(irp: Completing<'_, u8>) -> Signaled<'_> {
    irp.signal_if_pended()
}

#[completion_routine(raw, crate = vendor::irp)]
unsafe extern "system" fn raw_done(
    _: *mut sys::DEVICE_OBJECT,
    _: *mut sys::IRP,
    _: *mut core::ffi::c_void,
) -> i32 {
    0
}

fn main() {
    let _ = (read_done, write_done, raw_done);
}
