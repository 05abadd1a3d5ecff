//! Shares a context with the completion routine that belongs to one thread.
use std::rc::Rc;
use wdm_irp::{Completing, Signaled, completion_routine};

#[completion_routine]
fn read_done(irp: Completing<'_, Rc<u32>>) -> Signaled<'_> {
    irp.signal_if_pended()
}

fn main() {}
