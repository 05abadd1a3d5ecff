//! A `const` routine.

use wdm_irp::{Completing, Signaled, completion_routine};

struct Stats;

#[completion_routine]
const fn read_done(irp: Completing<'_, Stats>) -> Signaled<'_> {
    irp.signal_if_pended()
}

fn main() {}
