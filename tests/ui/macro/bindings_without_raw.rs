//! An argument of the other form.

use wdm_irp::{Completing, Signaled, completion_routine};

struct Stats;

#[completion_routine(bindings = wdm_irp::sys)]
fn read_done(irp: Completing<'_, Stats>) -> Signaled<'_> {
    irp.signal_if_pended()
}

fn main() {}
