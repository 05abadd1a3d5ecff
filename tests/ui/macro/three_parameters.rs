//! The parameters of a hand-written routine without `raw`.

use wdm_irp::{Signaled, completion_routine};

type Proof = Signaled<'static>;

#[completion_routine]
fn read_done(device: *mut (), irp: *mut (), context: *mut ()) -> Proof {
    loop {}
}

fn main() {}
