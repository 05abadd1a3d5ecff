//! A typed routine with a symbol of another name.

use wdm_irp::{Completing, Signaled, completion_routine};

struct Stats;

#[completion_routine]
#[cfg_attr(all(), unsafe(export_name = "ReadDone"))]
fn read_done(irp: Completing<'_, Stats>) -> Signaled<'_> {
    irp.signal_if_pended()
}

fn main() {}
