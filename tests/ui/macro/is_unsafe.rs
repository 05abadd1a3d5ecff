//! An `unsafe` typed routine.

use wdm_irp::{Completing, Signaled, completion_routine};

struct Stats;

#[completion_routine]
unsafe fn read_done(irp: Completing<'_, Stats>) -> Signaled<'_> {
    irp.signal_if_pended()
}

fn main() {}
