//! Signals twice.
use wdm_irp::{Completing, Signaled, completion_routine};

#[completion_routine]
fn read_done(irp: Completing<'_, ()>) -> Signaled<'_> {
    let _ = irp.signal_if_pended();
    irp.signal_if_pended()
}

fn main() {}
