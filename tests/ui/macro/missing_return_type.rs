//! A typed routine without a result ([H1](../../../docs/hazards.md#h1)).

use wdm_irp::{Completing, completion_routine};

struct Stats;

#[completion_routine]
fn read_done(irp: Completing<'_, Stats>) {
    let _ = irp.context();
}

fn main() {}
