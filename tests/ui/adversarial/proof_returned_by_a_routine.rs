//! Sends the proof of a completion routine to another thread, through a channel in its context.
use std::sync::mpsc::Sender;

use wdm_irp::irql::DispatchLevel;
use wdm_irp::{Completing, Signaled, completion_routine};

#[completion_routine]
fn gives(irp: Completing<'_, Sender<DispatchLevel>>) -> Signaled<'_> {
    let _ = irp.context().send(irp.irql());
    irp.signal_if_pended()
}

fn main() {}
