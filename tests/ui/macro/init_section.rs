//! A routine in code that is discarded.

use wdm_irp::{Completing, Signaled, completion_routine};

struct Stats;

#[completion_routine]
#[unsafe(link_section = "INIT")]
fn read_done(irp: Completing<'_, Stats>) -> Signaled<'_> {
    irp.signal_if_pended()
}

fn main() {}
