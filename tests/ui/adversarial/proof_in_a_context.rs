//! Tries to hand a proof of PASSIVE_LEVEL to a completion routine, which may run at DISPATCH_LEVEL.

use wdm_irp::{Completing, PassiveLevel, Signaled, completion_routine};

#[completion_routine]
fn read_done(irp: Completing<'_, PassiveLevel>) -> Signaled<'_> {
    irp.signal_if_pended()
}

fn main() {}
