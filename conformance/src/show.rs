//! Values of the trace, under their WDM names.

use core::fmt::{self, Display};

use wdm_irp::sys::{
    APC_LEVEL, DISPATCH_LEVEL, NTSTATUS, PASSIVE_LEVEL, SL_ERROR_RETURNED, SL_INVOKE_ON_CANCEL,
    SL_INVOKE_ON_ERROR, SL_INVOKE_ON_SUCCESS, SL_PENDING_RETURNED, STATUS_CANCELLED,
    STATUS_DEVICE_BUSY, STATUS_MORE_PROCESSING_REQUIRED, STATUS_NOT_SUPPORTED, STATUS_PENDING,
    STATUS_SUCCESS, STATUS_TIMEOUT,
};

/// `STATUS_OBJECT_NAME_EXISTS`: informational, so `NT_SUCCESS` holds.
pub(crate) const STATUS_OBJECT_NAME_EXISTS: NTSTATUS = 0x4000_0000;

/// `STATUS_BUFFER_OVERFLOW`: a warning, so `NT_SUCCESS` does not hold.
pub(crate) const STATUS_BUFFER_OVERFLOW: NTSTATUS = 0x8000_0005_u32.cast_signed();

/// A status by its name.
pub(crate) struct Status(pub(crate) NTSTATUS);

impl Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            STATUS_SUCCESS => "STATUS_SUCCESS",
            STATUS_PENDING => "STATUS_PENDING",
            STATUS_TIMEOUT => "STATUS_TIMEOUT",
            STATUS_OBJECT_NAME_EXISTS => "STATUS_OBJECT_NAME_EXISTS",
            STATUS_BUFFER_OVERFLOW => "STATUS_BUFFER_OVERFLOW",
            STATUS_CANCELLED => "STATUS_CANCELLED",
            STATUS_DEVICE_BUSY => "STATUS_DEVICE_BUSY",
            STATUS_NOT_SUPPORTED => "STATUS_NOT_SUPPORTED",
            STATUS_MORE_PROCESSING_REQUIRED => "STATUS_MORE_PROCESSING_REQUIRED",
            other => return write!(f, "0x{other:08X}"),
        })
    }
}

/// The bits of `IO_STACK_LOCATION.Control`.
pub(crate) struct Control(pub(crate) u8);

impl Display for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const BITS: [(u8, &str); 5] = [
            (SL_PENDING_RETURNED, "PENDING_RETURNED"),
            (SL_ERROR_RETURNED, "ERROR_RETURNED"),
            (SL_INVOKE_ON_CANCEL, "ON_CANCEL"),
            (SL_INVOKE_ON_SUCCESS, "ON_SUCCESS"),
            (SL_INVOKE_ON_ERROR, "ON_ERROR"),
        ];
        let mut names = BITS.iter().filter(|(bit, _)| self.0 & bit != 0);
        let Some((_, first)) = names.next() else {
            return f.write_str("0");
        };
        f.write_str(first)?;
        names.try_for_each(|(_, name)| write!(f, "+{name}"))
    }
}

/// An IRQL by its name.
pub(crate) struct Irql(pub(crate) u8);

impl Display for Irql {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            PASSIVE_LEVEL => "PASSIVE_LEVEL",
            APC_LEVEL => "APC_LEVEL",
            DISPATCH_LEVEL => "DISPATCH_LEVEL",
            other => return write!(f, "IRQL {other}"),
        })
    }
}

/// A BOOLEAN by its name, whatever its byte is.
pub(crate) struct Boolean(pub(crate) u8);

impl Display for Boolean {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0 == 0 { "FALSE" } else { "TRUE" })
    }
}
