//! A routine that bounds the lifetime of its IRP.

use wdm_irp::{Completing, Signaled, completion_routine};

struct Stats;

#[completion_routine]
fn read_done<'irp: 'static>(irp: Completing<'irp, Stats>) -> Signaled<'irp> {
    irp.signal_if_pended()
}

fn main() {}
