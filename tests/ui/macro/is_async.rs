//! An `async` routine.

use wdm_irp::{Completing, Signaled, completion_routine};

struct Stats;

#[completion_routine]
async fn read_done(irp: Completing<'_, Stats>) -> Signaled<'_> {
    core::future::ready(()).await;
    irp.signal_if_pended()
}

fn main() {}
