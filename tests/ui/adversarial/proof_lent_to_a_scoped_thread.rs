//! Tries to lend the proof of one thread's IRQL to another thread, which ends before the proof does.

use wdm_irp::in_flight::{InFlight, Storage};
use wdm_irp::{PassiveLevel, Timeout};

fn wait<S: Storage + Send>(in_flight: InFlight<S>, at: &PassiveLevel)
where
    S::Buffer: Send,
{
    std::thread::scope(|threads| {
        threads.spawn(|| drop(in_flight.wait(at, Timeout::seconds(5))));
    });
}

fn main() {}
