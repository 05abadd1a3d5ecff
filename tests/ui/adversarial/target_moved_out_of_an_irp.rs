//! Takes the target out of a completed request, with the reference that the IRP needs.
use wdm_irp::routine::SignalIfPended;
use wdm_irp::{Completed, TargetDevice};

fn target(completed: Completed<SignalIfPended, [u8; 8]>) -> TargetDevice {
    completed.target
}

fn main() {}
