//! Tries to apply the attribute twice, the second time under another name.

use wdm_irp::completion_routine as routine;
use wdm_irp::{Completing, Signaled, completion_routine};

#[completion_routine]
#[routine]
fn read_done(irp: Completing<'_, ()>) -> Signaled<'_> {
    irp.signal_if_pended()
}

fn main() {}
