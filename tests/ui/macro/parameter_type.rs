//! A typed routine that takes something else than the IRP.

use wdm_irp::{Signaled, completion_routine};

struct Stats;

#[completion_routine]
fn read_done(_irp: &mut Stats) -> Signaled<'_> {
    loop {}
}

fn main() {}
