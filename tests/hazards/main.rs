//! The hazards that are stopped by construction or at run time, by number, on the host model. Those that the compiler
//! stops are in `ui/hazards`.
//!
//! Each test ends with the machine's own check: no IRP or MDL leaked, none touched too late, nobody left waiting.
#![forbid(unsafe_code)]

mod contract;
mod flight;
mod irql;
mod request;
mod routine;
mod wait;

use std::time::Duration;

use wdm_irp::PassiveLevel;
use wdm_irp_sim::{Behavior, Device, DeviceOptions, Machine, When};

/// Long enough for another thread to get going, short enough to do it often.
const SOON: Duration = Duration::from_millis(5);

fn passive() -> PassiveLevel {
    PassiveLevel::check().expect("tests run at PASSIVE_LEVEL")
}

/// A disk with buffered I/O that transfers data, when told to.
fn disk(machine: &Machine, when: When) -> Device {
    machine.device_with(
        DeviceOptions::new("disk").buffered(),
        Behavior::transfer().when(when),
    )
}
