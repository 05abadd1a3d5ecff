//! Forgets one arm.
use wdm_irp::PendingReturned::{Inline, Pended};
use wdm_irp::{Completing, Signaled, completion_routine};

#[completion_routine]
fn read_done(irp: Completing<'_, u32>) -> Signaled<'_> {
    match irp.pending_returned() {
        Pended(mut irp) => *irp.context_mut() += 1,
        Inline(irp) => irp.finish(),
    }
}

fn main() {}
