//! A context that borrows from the originator's stack.
use wdm_irp::{Completing, Signaled, completion_routine};

struct Stats<'a>(&'a u32);

#[completion_routine]
fn read_done(irp: Completing<'_, Stats<'_>>) -> Signaled<'_> {
    irp.signal_if_pended()
}

fn main() {}
