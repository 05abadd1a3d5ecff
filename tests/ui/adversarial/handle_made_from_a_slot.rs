//! Makes a second handle of a request out of its slot, and tells the slot that it is free.
use wdm_irp::in_flight::{BoxedSlot, InFlight, Sent, Slot, Storage};
use wdm_irp_tests::done;

type InStatic = &'static Slot<done, [u8; 8]>;

fn made(slot: InStatic) -> InFlight<InStatic> {
    InFlight::new(slot)
}

fn sent(slot: InStatic) -> Sent<InStatic> {
    Sent::new(slot)
}

fn claimed(slot: InStatic) -> bool {
    slot.slot().release();
    slot.claim()
}

fn boxed() -> Option<BoxedSlot<done, [u8; 8]>> {
    BoxedSlot::new()
}

fn main() {}
