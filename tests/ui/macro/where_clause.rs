//! A routine with a `where` clause.

use wdm_irp::{Completing, Signaled, completion_routine};

struct Stats;

#[completion_routine]
fn read_done(irp: Completing<'_, Stats>) -> Signaled<'_>
where
    Stats: Send,
{
    irp.signal_if_pended()
}

fn main() {}
