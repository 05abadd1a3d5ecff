//! Asks for a default token.
use wdm_irp::{Completing, Signaled, completion_routine};

#[completion_routine]
fn read_done(_irp: Completing<'_, ()>) -> Signaled<'_> {
    Default::default()
}

fn main() {}
