//! Looks at the IRP while the lower drivers own it.
use wdm_irp::in_flight::{InFlight, Storage};

fn peek<S: Storage>(in_flight: &InFlight<S>) {
    in_flight.status();
}

fn main() {}
