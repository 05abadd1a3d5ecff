//! A context that must stay on its thread ([H19](../../../docs/hazards.md#h19)).

use wdm_irp::{Completing, Signaled, completion_routine};

struct Stats;

#[completion_routine]
fn read_done(irp: Completing<'_, *mut Stats>) -> Signaled<'_> {
    irp.signal_if_pended()
}

fn main() {}
