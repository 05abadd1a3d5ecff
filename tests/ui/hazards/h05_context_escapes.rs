//! Hands a reference to the context to somebody who lives longer.
use wdm_irp::{Completing, Signaled, completion_routine};
use std::sync::Mutex;

static LAST: Mutex<Option<&'static u32>> = Mutex::new(None);

#[completion_routine]
fn read_done(irp: Completing<'_, u32>) -> Signaled<'_> {
    *LAST.lock().unwrap() = Some(irp.context());
    irp.signal_if_pended()
}

fn main() {}
