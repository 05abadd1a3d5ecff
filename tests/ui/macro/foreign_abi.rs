//! A typed routine with the ABI of a hand-written one.

use wdm_irp::{Completing, Signaled, completion_routine};

struct Stats;

#[completion_routine]
extern "C" fn read_done(irp: Completing<'_, Stats>) -> Signaled<'_> {
    irp.signal_if_pended()
}

fn main() {}
