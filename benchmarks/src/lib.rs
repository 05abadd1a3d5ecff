//! One request, written three times: with wdm-irp, and by hand in two ways.
//!
//! Each module has the same function: read 512 bytes from the start of a device that may use any
//! I/O method, wait at most five seconds, cancel on time-out, free the IRP, and return the number
//! of bytes or the status. The functions are what the programs of this package measure, so they are
//! found by name: `measured_<sender>_<request>`.
#![no_std]

#[cfg(all(feature = "driver", windows))]
mod driver;
#[cfg(all(feature = "kernel", windows))]
mod runtime;

pub mod by_hand;
pub mod ours;

use wdm_irp::TargetDevice;
use wdm_irp::sys::NTSTATUS;

/// What a read transfers.
pub type Sector = [u8; 512];

/// The number of bytes, or the status that a dispatch routine would pass on.
pub type Outcome = Result<usize, NTSTATUS>;

/// One of the three ways.
#[derive(Clone, Copy, Debug)]
pub struct Sender {
    /// As the tables name it.
    pub name: &'static str,
    /// Reads a sector. IRQL: `PASSIVE_LEVEL`.
    pub read: fn(&TargetDevice, &mut Sector) -> Outcome,
}

/// The library, then the baselines.
#[cfg(not(feature = "driver"))]
pub const SENDERS: [Sender; 3] = [
    Sender {
        name: "ours",
        read: ours::read,
    },
    Sender {
        name: "V1",
        read: by_hand::read_v1,
    },
    Sender {
        name: "V2",
        read: by_hand::read_v2,
    },
];
