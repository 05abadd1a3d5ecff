//! Tries to keep the handle of a scoped request in a context, which outlives the scope.
use wdm_irp::in_flight::{Sent, Slot};
use wdm_irp::{Completing, Signaled, completion_routine};

#[completion_routine]
fn inner(irp: Completing<'_, ()>) -> Signaled<'_> {
    irp.signal_if_pended()
}

#[completion_routine]
fn outer<'irp>(irp: Completing<'irp, Option<Sent<&Slot<inner, [u8; 8]>>>>) -> Signaled<'irp> {
    irp.signal_if_pended()
}

fn main() {}
