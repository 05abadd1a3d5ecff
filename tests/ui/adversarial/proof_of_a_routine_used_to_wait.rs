//! Tries to wait in a completion routine, with the only proof it has.

use wdm_irp::in_flight::{Sent, Slot};
use wdm_irp::{Completing, Signaled, Timeout, completion_routine};

#[completion_routine]
fn inner(irp: Completing<'_, ()>) -> Signaled<'_> {
    irp.signal_if_pended()
}

type Inner = Option<Sent<&'static Slot<inner, [u8; 8]>>>;

#[completion_routine]
fn outer(mut irp: Completing<'_, Inner>) -> Signaled<'_> {
    let at = irp.irql();
    if let Some(sent) = irp.context_mut().take() {
        let _ = sent.wait(at, Timeout::FOREVER);
    }
    irp.signal_if_pended()
}

fn main() {}
