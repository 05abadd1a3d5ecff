//! A generic routine, in disguise.

use wdm_irp::{Completing, Signaled, completion_routine};

struct Stats;

#[completion_routine]
fn read_done<'irp>(irp: Completing<'irp, impl Send + 'static>) -> Signaled<'irp> {
    irp.signal_if_pended()
}

fn main() {}
