//! A closure looks at the IRP after it was signaled.
use wdm_irp::{Completing, Signaled, completion_routine};

#[completion_routine]
fn read_done(irp: Completing<'_, ()>) -> Signaled<'_> {
    let status = || irp.status();
    let token = irp.signal_if_pended();
    let _ = status();
    token
}

fn main() {}
