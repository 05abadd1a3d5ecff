//! An argument that is given twice.

use wdm_irp::{Completing, Signaled, completion_routine};

struct Stats;

#[completion_routine(crate = wdm_irp, crate = ::wdm_irp)]
fn read_done(irp: Completing<'_, Stats>) -> Signaled<'_> {
    irp.signal_if_pended()
}

fn main() {}
