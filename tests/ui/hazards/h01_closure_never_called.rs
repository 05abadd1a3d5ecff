//! Puts the signal into a closure, and returns the closure.
use wdm_irp::{Completing, Signaled, completion_routine};

#[completion_routine]
fn read_done(irp: Completing<'_, ()>) -> Signaled<'_> {
    || irp.signal_if_pended()
}

fn main() {}
