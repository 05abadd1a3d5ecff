//! A loop that ends without a token.
use wdm_irp::{Completing, Signaled, completion_routine};

#[completion_routine]
fn read_done(irp: Completing<'_, u32>) -> Signaled<'_> {
    for attempt in 0..3 {
        if attempt == *irp.context() {
            return irp.signal_if_pended();
        }
    }
}

fn main() {}
