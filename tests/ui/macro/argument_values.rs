//! Arguments with a missing, a superfluous and a quoted value.

use wdm_irp::{Completing, Signaled, completion_routine};

struct Stats;

#[completion_routine(crate)]
fn read_done(irp: Completing<'_, Stats>) -> Signaled<'_> {
    irp.signal_if_pended()
}

#[completion_routine(crate = "wdm_irp")]
fn write_done(irp: Completing<'_, Stats>) -> Signaled<'_> {
    irp.signal_if_pended()
}

#[completion_routine(raw = true)]
unsafe extern "system" fn flush_done() {}

fn main() {}
