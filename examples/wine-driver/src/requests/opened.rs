//! A device that was opened by its name: hazard [H41].
//!
//! [H41]: https://github.com/wdm-irp/wdm-irp/blob/main/docs/hazards.md#h41

use wdm_irp::sys::STATUS_OBJECT_NAME_NOT_FOUND;
use wdm_irp::{ByteOffset, Irp, IrpError, PassiveLevel};

use super::below::{Devices, Kernel};
use super::failure::{Failure, is_error, same};
use super::outcome::SOON;

/// Sends requests that carry the file object, and opens what is not there.
pub(super) fn opened_by_name(
    on: &Devices<'_>,
    at: &PassiveLevel,
    _: &dyn Kernel,
) -> Result<(), Failure> {
    let not_found = IrpError::Open(STATUS_OBJECT_NAME_NOT_FOUND);
    is_error(on.not_opened, not_found)?;
    let mut irp = Irp::allocate(on.named.clone())?;
    for _ in 0..3 {
        let read = irp.read([0; size_of::<usize>()], ByteOffset(0));
        let done = read.send_and_wait(at, SOON)?;
        same(
            "file object",
            usize::from_le_bytes(*done.buffer()),
            on.named.file_object().addr(),
        )?;
        irp = done.reuse().0;
    }
    Ok(())
}
