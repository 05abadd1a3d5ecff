//! A routine with a const parameter.

use wdm_irp::{Completing, Signaled, completion_routine};

struct Stats;

#[completion_routine]
fn read_done<const N: usize>(irp: Completing<'_, [u8; N]>) -> Signaled<'_> {
    irp.signal_if_pended()
}

fn main() {}
