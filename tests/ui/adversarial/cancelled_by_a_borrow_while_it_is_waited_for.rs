//! Tries to cancel, from another thread, a request that the wait may free meanwhile ([H13](../../../docs/hazards.md#h13)).

use wdm_irp::in_flight::{BoxedSlot, InFlight};
use wdm_irp::{Completing, PassiveLevel, Signaled, Timeout, completion_routine};

#[completion_routine]
fn read_done(irp: Completing<'_, ()>) -> Signaled<'_> {
    irp.signal_if_pended()
}

fn race(in_flight: InFlight<BoxedSlot<read_done, [u8; 8]>>, at: &PassiveLevel) {
    std::thread::scope(|threads| {
        threads.spawn(|| in_flight.cancel());
        let _ = in_flight.wait(at, Timeout::FOREVER);
    });
}

fn main() {}
