//! Signals whether anybody waits or not.
use wdm_irp::{Completing, Signaled, completion_routine};

#[completion_routine]
fn read_done(irp: Completing<'_, ()>) -> Signaled<'_> {
    irp.signal()
}

fn main() {}
