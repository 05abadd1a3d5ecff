//! Treats a pended IRP like one that was completed inline.
use wdm_irp::PendingReturned::{Inline, Pended};
use wdm_irp::{Completing, Signaled, completion_routine};

#[completion_routine]
fn read_done(irp: Completing<'_, ()>) -> Signaled<'_> {
    match irp.pending_returned() {
        Pended(irp) => irp.finish(),
        Inline(irp) => irp.finish(),
    }
}

fn main() {}
