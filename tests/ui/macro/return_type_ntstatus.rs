//! A typed routine with the result of a hand-written one ([H1](../../../docs/hazards.md#h1), [H4](../../../docs/hazards.md#h4)).

use wdm_irp::{Completing, completion_routine};

struct Stats;

#[completion_routine]
fn read_done(irp: Completing<'_, Stats>) -> wdm_irp::sys::NTSTATUS {
    let _ = irp.context();
    wdm_irp::sys::STATUS_MORE_PROCESSING_REQUIRED
}

fn main() {}
