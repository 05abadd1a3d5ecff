//! Asks for the canceller of a request that was sent without one, so that its IRP comes back.

use wdm_irp::in_flight::{BoxedSlot, Canceller, InFlight};
use wdm_irp::routine::SignalIfPended;

fn canceller(request: &InFlight<BoxedSlot<SignalIfPended, [u8; 512]>>) -> Canceller {
    request.canceller()
}

fn main() {}
