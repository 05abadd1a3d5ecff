//! Takes a handle apart, to have its allocation without the handle that answers for it.
use std::mem::ManuallyDrop;
use wdm_irp::in_flight::{BoxedSlot, InFlight};
use wdm_irp_tests::done;

fn boxed(handle: InFlight<BoxedSlot<done, [u8; 8]>>) -> BoxedSlot<done, [u8; 8]> {
    let InFlight { storage } = handle;
    ManuallyDrop::into_inner(storage)
}

fn main() {}
