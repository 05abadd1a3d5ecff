//! Tries to begin where PendingReturned is known to be clear.

use wdm_irp::routine::IsInline;
use wdm_irp::{Completing, Signaled, completion_routine};

#[completion_routine]
fn read_done(irp: Completing<'_, (), IsInline>) -> Signaled<'_> {
    irp.finish()
}

fn main() {}
