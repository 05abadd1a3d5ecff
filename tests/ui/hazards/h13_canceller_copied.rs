//! Copies a canceller, which keeps the IRP by a count.
use wdm_irp::in_flight::Canceller;

fn two(canceller: &Canceller) -> [Canceller; 2] {
    [canceller.clone(), canceller.clone()]
}

fn main() {}
