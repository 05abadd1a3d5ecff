//! Tries to make an associated function a routine.

use wdm_irp::{Completing, Signaled, completion_routine};

struct Stats;

impl Stats {
    #[completion_routine]
    fn read_done(irp: Completing<'_, Stats>) -> Signaled<'_> {
        irp.signal_if_pended()
    }
}

fn main() {}
