//! A proof that outlives its IRP ([H21](../../../docs/hazards.md#h21)).

use wdm_irp::{Completing, Signaled, completion_routine};

struct Stats;

#[completion_routine]
fn read_done(irp: Completing<'_, Stats>) -> Signaled<'static> {
    irp.signal_if_pended()
}

fn main() {}
