//! Tries to make a canceller from another one, when the request may be over.

use wdm_irp::in_flight::Canceller;

fn two(canceller: Canceller) -> [Canceller; 2] {
    [canceller.clone(), canceller]
}

fn main() {}
