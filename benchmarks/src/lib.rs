//! One request, written three times: with wdm-irp, and by hand in two ways.
//!
//! Each module has the same function: read 512 bytes from a device that may use any I/O method, wait
//! some seconds, cancel on time-out, free the IRP, and return the number of bytes or the status. The
//! functions are what the programs of this package measure, so they are found by name:
//! `measured_<sender>_<request>`, and the same with `_again` for the second caller of each.
#![no_std]

#[cfg(all(feature = "driver", windows))]
mod driver;
#[cfg(all(feature = "kernel", windows))]
mod runtime;

pub mod by_hand;
pub mod ours;
#[cfg(feature = "two-callers")]
pub mod second;

#[cfg(feature = "boxed")]
use wdm_irp::IrpError;
use wdm_irp::TargetDevice;
use wdm_irp::sys::NTSTATUS;

/// What a read transfers.
pub type Sector = [u8; 512];

/// The number of bytes, or the status that a dispatch routine would pass on.
pub type Outcome = Result<usize, NTSTATUS>;

/// What differs from caller to caller, so that none of it is a constant to code that they share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arguments {
    /// Where the transfer begins, in bytes from the start of the device.
    pub(crate) offset: i64,
    /// How long the caller waits.
    pub(crate) seconds: u32,
}

impl Arguments {
    /// Those of the first caller, which every program has.
    pub(crate) const FIRST: Self = Self {
        offset: 0,
        seconds: 5,
    };
}

/// Reads a sector. IRQL: `PASSIVE_LEVEL`.
pub type Read = fn(&TargetDevice, &mut Sector) -> Outcome;

/// One of the three ways.
#[derive(Clone, Copy, Debug)]
pub struct Sender {
    /// As the tables name it.
    pub name: &'static str,
    /// The functions that send in this way: one, or two with the feature `two-callers`.
    pub callers: &'static [Read],
    /// The functions that do so four times with one IRP.
    pub four: &'static [Read],
}

/// The library, then the baselines.
#[cfg(not(feature = "driver"))]
pub const SENDERS: [Sender; 3] = [
    Sender {
        name: "ours",
        callers: &[
            ours::read,
            #[cfg(feature = "two-callers")]
            second::ours,
        ],
        four: &[
            ours::read_four,
            #[cfg(feature = "two-callers")]
            second::four_ours,
        ],
    },
    Sender {
        name: "V1",
        callers: &[
            by_hand::read_v1,
            #[cfg(feature = "two-callers")]
            second::v1,
        ],
        four: &[
            by_hand::read_four_v1,
            #[cfg(feature = "two-callers")]
            second::four_v1,
        ],
    },
    Sender {
        name: "V2",
        callers: &[
            by_hand::read_v2,
            #[cfg(feature = "two-callers")]
            second::v2,
        ],
        four: &[
            by_hand::read_four_v2,
            #[cfg(feature = "two-callers")]
            second::four_v2,
        ],
    },
];

/// A function that sends a request from memory of its own, and the one that waits for it.
#[cfg(feature = "boxed")]
pub type BoxedRead = (
    fn(TargetDevice) -> Result<ours::Boxed, IrpError>,
    fn(ours::Boxed) -> usize,
);

/// The callers that send from memory of their own, with the library: one, or two.
#[cfg(feature = "boxed")]
pub const BOXED: &[BoxedRead] = &[
    (ours::boxed_send, ours::boxed_wait),
    #[cfg(feature = "two-callers")]
    (second::boxed_send, second::boxed_wait),
];
