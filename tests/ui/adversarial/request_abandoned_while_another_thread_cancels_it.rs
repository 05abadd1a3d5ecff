//! Abandons a request that another thread cancels by a borrow of its handle.

use wdm_irp::in_flight::{BoxedSlot, InFlight};
use wdm_irp::routine::SignalIfPended;

fn race(request: InFlight<BoxedSlot<SignalIfPended, [u8; 512]>>) {
    std::thread::scope(|threads| {
        threads.spawn(|| request.cancel());
        request.abandon();
    });
}

fn main() {}
