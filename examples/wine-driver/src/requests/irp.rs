//! The IRP itself: its own stack location, and what it cannot be allocated for.

use wdm_irp::sys::{STATUS_INSUFFICIENT_RESOURCES, STATUS_SUCCESS};
use wdm_irp::{ByteOffset, Irp, IrpError, PassiveLevel};

use super::below::{Devices, Kernel};
use super::failure::{Failure, counts_up, is_error, same};
use super::outcome::{SOON, Seen, note, read};

/// Sends IRPs with an own stack location, whose device the completion routine gets.
pub(super) fn own_stack_location(
    on: &Devices<'_>,
    at: &PassiveLevel,
    _: &dyn Kernel,
) -> Result<(), Failure> {
    for target in [on.own_over_inline, on.own_over_pend] {
        let done = Irp::allocate(target)?
            .read([0; 16], ByteOffset(0))
            .on_completion(note, Seen::default())
            .send_and_wait(at, SOON)?;
        same("device object", done.context().device, target.own().addr())?;
    }
    let done = read(on.inline, &mut [0; 16], 0, at)?;
    same("device object without own location", done.seen_device, 0)
}

pub(super) fn allocation_failure(
    on: &Devices<'_>,
    at: &PassiveLevel,
    kernel: &dyn Kernel,
) -> Result<(), Failure> {
    let mut block = [0; 16];
    kernel.fail_next_allocation();
    let failed = read(on.inline, &mut block, 0, at);
    let Err(Failure::Irp(error)) = failed else {
        return Err(Failure::NoError);
    };
    is_error(Some(error), IrpError::IrpAllocation)?;
    same("status", error.status(), STATUS_INSUFFICIENT_RESOURCES)?;
    // And the next one is none the worse for it.
    read(on.inline, &mut block, 8, at)?.check(STATUS_SUCCESS, 16, false)?;
    counts_up("data", &block, 8)
}

pub(super) fn stack_too_deep(
    on: &Devices<'_>,
    _: &PassiveLevel,
    _: &dyn Kernel,
) -> Result<(), Failure> {
    for refused in [on.too_deep, on.own_over_deep] {
        is_error(Some(refused), IrpError::InvalidParameter)?;
    }
    drop(Irp::allocate(on.deep)?);
    Ok(())
}
