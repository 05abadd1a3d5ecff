//! Implements what proves something to the library for a type of its own.
use wdm_irp::TargetDevice;
use wdm_irp::in_flight::{Reusable, Slot, Storage};
use wdm_irp::irql::AtMostDispatch;
use wdm_irp::request::Method;
use wdm_irp::routine::MayFinish;
use wdm_irp::target::OwnedTarget;
use wdm_irp_tests::done;

struct Mine;

impl AtMostDispatch for Mine {}

impl Method for Mine {
    const METHOD: u32 = 0;
}

impl MayFinish for Mine {}

impl OwnedTarget for Mine {}

impl Storage for Mine {
    type Routine = done;
    type Buffer = ();
    type Target = TargetDevice;
    type Irp = Reusable;
    fn slot(&self) -> *const Slot<done, ()> {
        std::ptr::null()
    }
    unsafe fn take(self, _: bool) -> wdm_irp::Completed<done, ()> {
        loop {}
    }
    unsafe fn abandon(self) {}
}

fn main() {}
