//! The text that answers a request to the control device.

use core::fmt::{self, Write};

use wdm_irp::sys::NTSTATUS;

/// `STATUS_BUFFER_TOO_SMALL`
pub(super) const STATUS_BUFFER_TOO_SMALL: NTSTATUS = 0xC000_0023_u32.cast_signed();

/// Text in the caller's buffer.
pub(super) struct Answer<'a> {
    pub(super) text: &'a mut [u8],
    pub(super) bytes: usize,
}

impl Write for Answer<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let rest = self.text.get_mut(self.bytes..).ok_or(fmt::Error)?;
        let rest = rest.get_mut(..text.len()).ok_or(fmt::Error)?;
        rest.copy_from_slice(text.as_bytes());
        self.bytes += text.len();
        Ok(())
    }
}
