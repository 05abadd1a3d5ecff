//! Lower drivers that break the pending contract: hazard [H23].
//!
//! [H23]: https://github.com/wdm-irp/wdm-irp/blob/main/docs/hazards.md#h23

use wdm_irp::PassiveLevel;
use wdm_irp::sys::STATUS_SUCCESS;

use super::below::{Devices, Kernel};
use super::failure::{Failure, counts_up};
use super::outcome::read;

/// Reads from a driver that returns `STATUS_PENDING` without `PendingReturned`.
///
/// A routine that relies on the flag would never signal.
pub(super) fn pended_without_pending_returned(
    on: &Devices<'_>,
    at: &PassiveLevel,
    kernel: &dyn Kernel,
) -> Result<(), Failure> {
    let mut sector = [0; 512];
    let done = read(on.forward, &mut sector, 77, at)?;
    done.check(STATUS_SUCCESS, 512, kernel.forwards_pending_returned())?;
    counts_up("data", &sector, 77)
}

/// Reads from a driver that marks the IRP pending and completes it before it returns.
pub(super) fn marked_pending_but_returned_success(
    on: &Devices<'_>,
    at: &PassiveLevel,
    _: &dyn Kernel,
) -> Result<(), Failure> {
    let mut block = [0; 16];
    let done = read(on.mark_and_return_success, &mut block, 1, at)?;
    done.check(STATUS_SUCCESS, 16, true)?;
    counts_up("data", &block, 1)
}

/// Reads from a driver that returns a final status and completes the IRP afterwards.
pub(super) fn returned_success_but_completes_later(
    on: &Devices<'_>,
    at: &PassiveLevel,
    _: &dyn Kernel,
) -> Result<(), Failure> {
    let mut block = [0; 16];
    let done = read(on.return_success_and_complete, &mut block, 2, at)?;
    done.check(STATUS_SUCCESS, 16, false)?;
    counts_up("data", &block, 2)
}
