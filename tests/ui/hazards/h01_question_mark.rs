//! Leaves early with `?`.
use wdm_irp::{Completing, Signaled, completion_routine};

#[completion_routine]
fn read_done(irp: Completing<'_, ()>) -> Signaled<'_> {
    let blocks = u8::try_from(irp.information())?;
    let _ = blocks;
    irp.signal_if_pended()
}

fn main() {}
