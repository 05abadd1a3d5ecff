//! Puts a completion routine, which may run at DISPATCH_LEVEL, into pageable memory.
use wdm_irp::{Completing, Signaled, completion_routine};

#[completion_routine]
#[unsafe(link_section = "PAGE")]
fn read_done(irp: Completing<'_, ()>) -> Signaled<'_> {
    irp.signal_if_pended()
}

fn main() {}
