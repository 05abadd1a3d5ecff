//! A routine with a lifetime besides that of its IRP.

use wdm_irp::{Completing, Signaled, completion_routine};

struct Stats;

#[completion_routine]
fn read_done<'irp, 'context>(irp: Completing<'irp, &'context Stats>) -> Signaled<'irp> {
    irp.signal_if_pended()
}

fn main() {}
