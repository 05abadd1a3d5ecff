//! Makes a token out of nothing.
use wdm_irp::{Completing, Signaled, completion_routine};

#[completion_routine]
fn read_done(_irp: Completing<'_, ()>) -> Signaled<'_> {
    Signaled {}
}

fn main() {}
