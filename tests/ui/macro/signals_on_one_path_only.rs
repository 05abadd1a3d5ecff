//! A path without a proof ([H1](../../../docs/hazards.md#h1)).

use wdm_irp::{Completing, Signaled, completion_routine};

struct Stats;

#[completion_routine]
fn read_done(irp: Completing<'_, Stats>) -> Signaled<'_> {
    match irp.pending_returned() {
        wdm_irp::PendingReturned::Pended(irp) => irp.signal(),
        wdm_irp::PendingReturned::Inline(_) => {}
    }
}

fn main() {}
