//! Leaks the handle of the IRP within its own invocation, so that the reference to the context lasts until the end of it,
//! and takes the handle out again to finish.
use wdm_irp::{Completing, Signaled, completion_routine};

#[completion_routine]
fn read_done(irp: Completing<'_, u32>) -> Signaled<'_> {
    let leaked = Box::leak(Box::new(Some(irp)));
    let context = leaked.as_mut().unwrap().context_mut();
    let token = leaked.take().unwrap().signal_if_pended();
    *context += 1;
    token
}

fn main() {}
