//! Shares a cell with the completion routine.
use std::cell::Cell;
use wdm_irp::{Completing, Signaled, completion_routine};

#[completion_routine]
fn read_done<'irp>(irp: Completing<'irp, &'static Cell<u32>>) -> Signaled<'irp> {
    irp.signal_if_pended()
}

fn main() {}
