//! A typed routine with a second parameter.

use wdm_irp::{Completing, Signaled, completion_routine};

struct Stats;

#[completion_routine]
fn read_done<'irp>(irp: Completing<'irp, Stats>, retries: &mut u32) -> Signaled<'irp> {
    *retries += 1;
    irp.signal_if_pended()
}

fn main() {}
