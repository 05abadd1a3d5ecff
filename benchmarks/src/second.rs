//! A second caller of each request, with other arguments.
//!
//! What the compiler makes of a function depends on how many callers it has: one that has a single
//! caller in the program is compiled as a part of it, whatever its size. So a program without this
//! module says nothing about a driver that sends in two places.

use wdm_irp::{IrpError, TargetDevice};

use crate::by_hand::{self, signal_always, signal_if_pended};
#[cfg(feature = "boxed")]
use crate::ours::Boxed;
use crate::{Arguments, Outcome, Sector, ours};

const SECOND: Arguments = Arguments {
    offset: 512,
    seconds: 10,
};

/// Reads a sector as [`ours::read`] does.
///
/// # Errors
/// The status, or why there is none.
#[unsafe(export_name = "measured_ours_read_again")]
#[inline(never)]
pub fn ours(disk: &TargetDevice, sector: &mut Sector) -> Outcome {
    ours::send(disk, sector, SECOND).map_err(IrpError::status)
}

/// Reads a sector as [`by_hand::read_v1`] does.
///
/// # Errors
/// The status.
#[unsafe(export_name = "measured_v1_read_again")]
#[inline(never)]
pub fn v1(disk: &TargetDevice, sector: &mut Sector) -> Outcome {
    by_hand::read(disk, sector, SECOND, Some(signal_if_pended))
}

/// Reads a sector as [`by_hand::read_v2`] does.
///
/// # Errors
/// The status.
#[unsafe(export_name = "measured_v2_read_again")]
#[inline(never)]
pub fn v2(disk: &TargetDevice, sector: &mut Sector) -> Outcome {
    by_hand::read(disk, sector, SECOND, Some(signal_always))
}

/// Reads a sector as [`ours::read_four`] does.
///
/// # Errors
/// The status, or why there is none.
#[unsafe(export_name = "measured_ours_read_four_again")]
#[inline(never)]
pub fn four_ours(disk: &TargetDevice, sector: &mut Sector) -> Outcome {
    ours::send_four(disk, sector, SECOND).map_err(IrpError::status)
}

/// Reads a sector as [`by_hand::read_four_v1`] does.
///
/// # Errors
/// The status.
#[unsafe(export_name = "measured_v1_read_four_again")]
#[inline(never)]
pub fn four_v1(disk: &TargetDevice, sector: &mut Sector) -> Outcome {
    by_hand::read_four(disk, sector, SECOND, Some(signal_if_pended))
}

/// Reads a sector as [`by_hand::read_four_v2`] does.
///
/// # Errors
/// The status.
#[unsafe(export_name = "measured_v2_read_four_again")]
#[inline(never)]
pub fn four_v2(disk: &TargetDevice, sector: &mut Sector) -> Outcome {
    by_hand::read_four(disk, sector, SECOND, Some(signal_always))
}

/// Sends a request as [`ours::boxed_send`] does.
///
/// # Errors
/// The request was not sent.
#[cfg(feature = "boxed")]
#[unsafe(export_name = "measured_ours_boxed_send_again")]
#[inline(never)]
pub fn boxed_send(disk: TargetDevice) -> Result<Boxed, IrpError> {
    ours::send_boxed(disk, SECOND)
}

/// Waits for a request of [`boxed_send`].
#[cfg(feature = "boxed")]
#[unsafe(export_name = "measured_ours_boxed_wait_again")]
#[inline(never)]
#[must_use]
pub fn boxed_wait(sent: Boxed) -> usize {
    ours::wait_boxed(sent, SECOND)
}
