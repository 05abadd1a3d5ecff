//! A variadic routine.

use wdm_irp::{Completing, Signaled, completion_routine};

struct Stats;

#[completion_routine]
fn read_done(irp: Completing<'_, Stats>, _: ...) -> Signaled<'_> {
    irp.signal_if_pended()
}

fn main() {}
