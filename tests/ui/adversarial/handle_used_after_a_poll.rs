//! Tries to use the handle of a request that a poll may have taken back.

use wdm_irp::in_flight::{BoxedSlot, InFlight};
use wdm_irp::{Completing, Signaled, completion_routine};

#[completion_routine]
fn read_done(irp: Completing<'_, ()>) -> Signaled<'_> {
    irp.signal_if_pended()
}

fn poll(in_flight: InFlight<BoxedSlot<read_done, [u8; 8]>>) {
    if in_flight.try_complete().is_err() {
        in_flight.cancel();
    }
}

fn main() {}
