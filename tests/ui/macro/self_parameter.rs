//! A method.

use wdm_irp::{Completing, completion_routine};

struct Stats;

impl Stats {
    #[completion_routine]
    fn read_done(&self, irp: Completing<'_, Stats>) -> u32 {
        let _ = irp;
        1
    }
}

fn main() {}
