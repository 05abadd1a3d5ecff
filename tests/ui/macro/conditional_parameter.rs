//! Parameters that are there in some configurations only.
use wdm_irp::sys::{NTSTATUS, PDEVICE_OBJECT, PIRP, PVOID, STATUS_MORE_PROCESSING_REQUIRED};
use wdm_irp::completion_routine;

#[completion_routine(raw)]
unsafe extern "system" fn raw_done(_device: PDEVICE_OBJECT, _irp: PIRP, #[cfg(any())] _context: PVOID) -> NTSTATUS {
    STATUS_MORE_PROCESSING_REQUIRED
}

fn main() {}
