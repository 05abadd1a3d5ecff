//! What the driver and its loader have to agree on.
//!
//! The loader includes this file: it cannot link the driver.

/// The name of the control device in `\Device` and `\DosDevices`, and of the service.
pub(crate) const NAME: &str = "WdmIrpExample";

/// The names of the cases, one line each.
///
/// `CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_READ_ACCESS | FILE_WRITE_ACCESS)`
pub(crate) const LIST: u32 = (0x22 << 16) | (3 << 14) | (0x800 << 2);

/// Runs the case whose number in the list, a little-endian `u32`, is the input.
///
/// The output is empty if the case has passed, and says why if it has failed.
///
/// `CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_READ_ACCESS | FILE_WRITE_ACCESS)`
pub(crate) const RUN: u32 = (0x22 << 16) | (3 << 14) | (0x801 << 2);
