//! Reads the status of an IRP that the waiter may have freed.
use wdm_irp::PendingReturned::{Inline, Pended};
use wdm_irp::{Completing, Signaled, completion_routine};

#[completion_routine]
fn read_done(irp: Completing<'_, ()>) -> Signaled<'_> {
    match irp.pending_returned() {
        Pended(irp) => {
            let token = irp.signal();
            let _status = irp.status();
            token
        }
        Inline(irp) => irp.finish(),
    }
}

fn main() {}
