//! Forgets the IRP instead of finishing with it.
use wdm_irp::{Completing, Signaled, completion_routine};

#[completion_routine]
fn read_done(irp: Completing<'_, ()>) -> Signaled<'_> {
    std::mem::forget(irp)
}

fn main() {}
