//! Puts another target in an IRP, whose stack may be deeper.
use wdm_irp::{Irp, TargetDevice};

fn exchange(irp: Irp<TargetDevice>, other: TargetDevice) -> Irp<TargetDevice> {
    Irp { target: other, ..irp }
}

fn main() {}
