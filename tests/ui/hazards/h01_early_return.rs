//! Leaves early, without a token, when the request failed.
use wdm_irp::PendingReturned::{Inline, Pended};
use wdm_irp::{Completing, Signaled, completion_routine};

#[completion_routine]
fn read_done(irp: Completing<'_, ()>) -> Signaled<'_> {
    if irp.status() < 0 {
        return;
    }
    match irp.pending_returned() {
        Pended(irp) => irp.signal(),
        Inline(irp) => irp.finish(),
    }
}

fn main() {}
