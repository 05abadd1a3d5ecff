//! Shortens the lifetime in the type of a slot, to lend it a buffer that dies before the slot does.
use wdm_irp::in_flight::{BoxedSlot, InFlight, Slot};
use wdm_irp::{Completing, Signaled, completion_routine};

#[completion_routine]
fn read_done(irp: Completing<'_, ()>) -> Signaled<'_> {
    irp.signal_if_pended()
}

type Long = &'static mut [u8];

fn slot<'slot, 'buffer: 'slot>(slot: &'slot Slot<read_done, Long>) -> &'slot Slot<read_done, &'buffer mut [u8]> {
    slot
}

fn handle<'slot, 'buffer: 'slot>(
    handle: InFlight<&'slot Slot<read_done, Long>>,
) -> InFlight<&'slot Slot<read_done, &'buffer mut [u8]>> {
    handle
}

fn boxed<'buffer>(handle: InFlight<BoxedSlot<read_done, Long>>) -> InFlight<BoxedSlot<read_done, &'buffer mut [u8]>> {
    handle
}

fn main() {}
