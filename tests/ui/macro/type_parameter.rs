//! A generic routine.

use wdm_irp::{Completing, Signaled, completion_routine};

struct Stats;

#[completion_routine]
fn read_done<T: Send + 'static>(irp: Completing<'_, T>) -> Signaled<'_> {
    irp.signal_if_pended()
}

fn main() {}
