//! Implements what proves something to the library for a type of its own.
use wdm_irp::in_flight::{Slot, Storage};
use wdm_irp::irql::AtMostDispatch;
use wdm_irp::request::Method;
use wdm_irp::routine::MayFinish;
use wdm_irp_tests::done;

struct Mine;

impl AtMostDispatch for Mine {}

impl Method for Mine {
    const METHOD: u32 = 0;
}

impl MayFinish for Mine {}

impl Storage for Mine {
    type Routine = done;
    type Buffer = ();
    fn slot(&self) -> &Slot<done, ()> {
        loop {}
    }
}

fn main() {}
