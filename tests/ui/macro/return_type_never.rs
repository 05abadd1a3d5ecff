//! A typed routine that never returns.

use wdm_irp::{Completing, completion_routine};

struct Stats;

#[completion_routine]
fn read_done(irp: Completing<'_, Stats>) -> ! {
    let _ = irp;
    loop {}
}

fn main() {}
