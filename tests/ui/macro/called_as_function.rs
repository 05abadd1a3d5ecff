//! Safe code that calls a routine.

use wdm_irp::{Completing, Signaled, completion_routine};

#[completion_routine]
fn read_done(irp: Completing<'_, u32>) -> Signaled<'_> {
    irp.signal_if_pended()
}

fn call(irp: Completing<'_, u32>) -> Signaled<'_> {
    read_done(irp)
}

fn main() {}
