//! Contexts that borrow from the IRP, or something unnamed.

use wdm_irp::{Completing, Signaled, completion_routine};

struct Stats<'a>(&'a u32);

#[completion_routine]
fn read_done<'irp>(irp: Completing<'irp, &'irp u32>) -> Signaled<'irp> {
    irp.signal_if_pended()
}

#[completion_routine]
fn write_done(irp: Completing<'_, Option<Stats<'_>>>) -> Signaled<'_> {
    irp.signal_if_pended()
}

type Hidden<'irp, 'stats> = Completing<'irp, Stats<'stats>>;

#[completion_routine]
fn flush_done<'irp>(irp: Hidden<'irp, '_>) -> Signaled<'irp> {
    let _ = irp.context().0;
    irp.signal_if_pended()
}

fn main() {}
