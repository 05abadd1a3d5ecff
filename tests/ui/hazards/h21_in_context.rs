//! Keeps a token in the context of the next IRP.
use wdm_irp::{Completing, Signaled, completion_routine};

#[completion_routine]
fn read_done<'irp>(mut irp: Completing<'irp, Option<Signaled<'static>>>) -> Signaled<'irp> {
    match irp.context_mut().take() {
        Some(token) => token,
        None => irp.signal_if_pended(),
    }
}

fn main() {}
