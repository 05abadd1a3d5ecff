//! A typed routine that wants to use `?` ([H1](../../../docs/hazards.md#h1)).

use wdm_irp::{Completing, Signaled, completion_routine};

struct Stats;

#[completion_routine]
fn read_done(irp: Completing<'_, Stats>) -> Result<Signaled<'_>, i32> {
    Ok(irp.signal_if_pended())
}

fn main() {}
