//! The control codes of the lower devices, vouched for.

use wdm_irp::request::{Buffered, ControlCode, Neither, OutDirect};

/// `CTL_CODE(FILE_DEVICE_UNKNOWN, 0x900, METHOD_BUFFERED, FILE_ANY_ACCESS)`
// SAFETY: the lower devices treat the buffers of every code as bytes (`kernel::lower`, and
// `tests/host.rs`).
pub(crate) const BUFFERED: ControlCode<Buffered> = unsafe { ControlCode::new(0x0022_2400) };

/// `CTL_CODE(FILE_DEVICE_UNKNOWN, 0x901, METHOD_OUT_DIRECT, FILE_ANY_ACCESS)`
// SAFETY: the lower devices treat the buffers of every code as bytes, as for `BUFFERED`.
pub(crate) const OUT_DIRECT: ControlCode<OutDirect> = unsafe { ControlCode::new(0x0022_2406) };

/// `CTL_CODE(FILE_DEVICE_UNKNOWN, 0x902, METHOD_NEITHER, FILE_ANY_ACCESS)`
// SAFETY: the lower devices treat the buffers of every code as bytes, as for `BUFFERED`.
pub(crate) const NEITHER: ControlCode<Neither> = unsafe { ControlCode::new(0x0022_240B) };
