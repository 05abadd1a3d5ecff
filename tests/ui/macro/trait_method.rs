//! A method without a body.

use wdm_irp::{Completing, Signaled, completion_routine};

struct Stats;

trait Driver {
    #[completion_routine]
    fn read_done(irp: Completing<'_, Stats>) -> Signaled<'_>;
}

fn main() {}
