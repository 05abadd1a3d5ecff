//! A lifetime that the routine does not declare.

use wdm_irp::{Completing, Signaled, completion_routine};

struct Stats;

#[completion_routine]
fn read_done(irp: Completing<'irp, Stats>) -> Signaled<'irp> {
    irp.signal_if_pended()
}

fn main() {}
