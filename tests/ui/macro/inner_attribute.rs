//! Hides what must be checked within the body.
use wdm_irp::sys::{NTSTATUS, PDEVICE_OBJECT, PIRP, PVOID, STATUS_MORE_PROCESSING_REQUIRED};
use wdm_irp::{Completing, Signaled, completion_routine};

#[completion_routine]
fn read_done(irp: Completing<'_, ()>) -> Signaled<'_> {
    #![unsafe(link_section = "PAGE")]
    irp.signal_if_pended()
}

#[completion_routine(raw)]
unsafe extern "system" fn raw_done(_device: PDEVICE_OBJECT, _irp: PIRP, _context: PVOID) -> NTSTATUS {
    #![cfg_attr(all(), unsafe(link_section = "PAGE"))]
    STATUS_MORE_PROCESSING_REQUIRED
}

fn main() {}
