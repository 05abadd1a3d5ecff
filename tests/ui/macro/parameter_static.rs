//! A typed routine that asks for an IRP which lives forever.

use wdm_irp::{Completing, Signaled, completion_routine};

struct Stats;

#[completion_routine]
fn read_done(irp: Completing<'static, Stats>) -> Signaled<'_> {
    irp.signal_if_pended()
}

fn main() {}
