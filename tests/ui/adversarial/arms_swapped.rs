//! Tries to treat an IRP that pended as one that did not, and the other way round.

use wdm_irp::PendingReturned::{Inline, Pended};
use wdm_irp::{Completing, Signaled, completion_routine};

#[completion_routine]
fn read_done(irp: Completing<'_, ()>) -> Signaled<'_> {
    match irp.pending_returned() {
        Pended(irp) => match Inline(irp) {
            Inline(irp) => irp.finish(),
            Pended(irp) => irp.signal(),
        },
        Inline(irp) => irp.finish(),
    }
}

fn main() {}
