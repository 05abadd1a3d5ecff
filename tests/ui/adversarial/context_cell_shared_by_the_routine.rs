//! Shares a context that is Send, but not Sync, between the routine and another thread, and so does the completed request.
use std::cell::Cell;
use std::sync::OnceLock;
use wdm_irp::in_flight::{BoxedSlot, Sent};
use wdm_irp::{Completing, Signaled, completion_routine};

#[completion_routine]
fn read_done(irp: Completing<'_, Cell<u32>>) -> Signaled<'_> {
    let cell = irp.context();
    std::thread::scope(|scope| {
        scope.spawn(|| cell.set(1));
        cell.set(2);
    });
    irp.signal_if_pended()
}

static COMPLETED: OnceLock<Sent<BoxedSlot<read_done, [u8; 8]>>> = OnceLock::new();

fn main() {}
