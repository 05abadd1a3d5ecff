//! Reads the context as what it is not.
use wdm_irp::{Completing, Signaled, completion_routine};

struct Stats;
struct Queue;

#[completion_routine]
fn read_done(irp: Completing<'_, Stats>) -> Signaled<'_> {
    let _queue: &Queue = irp.context();
    irp.signal_if_pended()
}

fn main() {}
