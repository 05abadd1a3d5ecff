//! Returns a copy of the token and keeps one.
use wdm_irp::{Completing, Signaled, completion_routine};

#[completion_routine]
fn read_done(irp: Completing<'_, ()>) -> Signaled<'_> {
    let token = irp.signal_if_pended();
    let copy = token.clone();
    drop(token);
    copy
}

fn main() {}
