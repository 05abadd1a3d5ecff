//! A routine that uses registers it must not touch.

use wdm_irp::{Completing, Signaled, completion_routine};

struct Stats;

#[completion_routine]
#[target_feature(enable = "avx2")]
fn read_done(irp: Completing<'_, Stats>) -> Signaled<'_> {
    irp.signal_if_pended()
}

fn main() {}
