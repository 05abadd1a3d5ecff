//! Keeps a reference to the context beyond KeSetEvent.
use wdm_irp::{Completing, Signaled, completion_routine};
use std::sync::atomic::{AtomicU32, Ordering};

#[completion_routine]
fn read_done(irp: Completing<'_, AtomicU32>) -> Signaled<'_> {
    let reads = irp.context();
    let token = irp.signal_if_pended();
    reads.fetch_add(1, Ordering::Relaxed);
    token
}

fn main() {}
