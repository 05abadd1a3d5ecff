//! Writes the name of a rejected attribute as a raw identifier.
use wdm_irp::{Completing, Signaled, completion_routine};

#[completion_routine]
#[unsafe(r#link_section = "PAGE")]
fn read_done(irp: Completing<'_, ()>) -> Signaled<'_> {
    irp.signal_if_pended()
}

#[completion_routine]
#[unsafe(r#no_mangle)]
fn write_done(irp: Completing<'_, ()>) -> Signaled<'_> {
    irp.signal_if_pended()
}

fn main() {}
