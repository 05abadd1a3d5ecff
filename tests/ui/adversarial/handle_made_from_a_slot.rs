//! Makes a second handle of a request out of its slot, and tells the slot that it is free.
use wdm_irp::TargetDevice;
use wdm_irp::in_flight::{BoxedSlot, InFlight, Sent, Slot};
use wdm_irp::request::{Read, Request};
use wdm_irp_tests::done;

type InStatic = &'static Slot<done, [u8; 8]>;

fn made(slot: InStatic) -> InFlight<InStatic> {
    InFlight::new(slot)
}

fn sent(slot: InStatic) -> Sent<InStatic> {
    Sent::new(slot)
}

fn claimed(slot: InStatic) -> bool {
    slot.release();
    slot.claim()
}

fn boxed(request: Request<TargetDevice, Read, [u8; 8], done>) -> Option<BoxedSlot<done, [u8; 8]>> {
    BoxedSlot::send(request).ok()
}

fn main() {}
