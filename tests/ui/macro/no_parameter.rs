//! A typed routine without the IRP.

use wdm_irp::{Signaled, completion_routine};



type Proof = Signaled<'static>;

#[completion_routine]
fn read_done() -> Proof {
    loop {}
}

fn main() {}
