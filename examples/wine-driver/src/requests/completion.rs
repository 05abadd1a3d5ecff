//! Requests that complete inline, later, and in turn.

use wdm_irp::error::SendError;
use wdm_irp::sys::{STATUS_DEVICE_BUSY, STATUS_SUCCESS};
use wdm_irp::{ByteOffset, Irp, IrpError, PassiveLevel};

use super::below::{Devices, Kernel};
use super::failure::{Failure, counts_up, failed};
use super::outcome::{Outcome, SOON, Seen, note, read, write};

pub(super) fn inline_completion(
    on: &Devices<'_>,
    at: &PassiveLevel,
    _: &dyn Kernel,
) -> Result<(), Failure> {
    let mut sector = [0; 512];
    let done = read(on.inline, &mut sector, 7, at)?;
    done.check(STATUS_SUCCESS, 512, false)?;
    counts_up("data", &sector, 7)
}

pub(super) fn inline_error(
    on: &Devices<'_>,
    at: &PassiveLevel,
    _: &dyn Kernel,
) -> Result<(), Failure> {
    let sent = Irp::allocate(on.busy)?
        .read([0; 16], ByteOffset(0))
        .on_completion(note, Seen::default())
        .send_and_wait(at, SOON);
    match sent {
        Err(SendError::Failed(busy)) => {
            let done = failed(Err(busy), IrpError::Device(STATUS_DEVICE_BUSY))?;
            Outcome::of(&done).check(STATUS_DEVICE_BUSY, 0, false)
        }
        Err(SendError::NotSent(not_sent)) => Err(not_sent.into()),
        Ok(_) => Err(Failure::NoError),
    }
}

pub(super) fn inline_write(
    on: &Devices<'_>,
    at: &PassiveLevel,
    _: &dyn Kernel,
) -> Result<(), Failure> {
    write(on.inline, at)
}

pub(super) fn pended_completion(
    on: &Devices<'_>,
    at: &PassiveLevel,
    _: &dyn Kernel,
) -> Result<(), Failure> {
    let mut sector = [0; 512];
    let done = read(on.pend, &mut sector, 250, at)?;
    done.check(STATUS_SUCCESS, 512, true)?;
    counts_up("data", &sector, 250)
}

pub(super) fn pended_write(
    on: &Devices<'_>,
    at: &PassiveLevel,
    _: &dyn Kernel,
) -> Result<(), Failure> {
    write(on.pend, at)
}

/// Sends inline and pended requests in turn.
///
/// A signal of one round must not end the wait of the next: hazard [H8].
///
/// [H8]: https://github.com/wdm-irp/wdm-irp/blob/main/docs/hazards.md#h8
pub(super) fn many_rounds(
    on: &Devices<'_>,
    at: &PassiveLevel,
    _: &dyn Kernel,
) -> Result<(), Failure> {
    for round in 0..if cfg!(miri) { 5 } else { 200 } {
        let mut block = [0; 32];
        let done = read(on.pend, &mut block, round, at)?;
        done.check(STATUS_SUCCESS, 32, true)?;
        counts_up("data of a pended read", &block, round)?;

        let done = read(on.inline, &mut block, round + 1, at)?;
        done.check(STATUS_SUCCESS, 32, false)?;
        counts_up("data of an inline read", &block, round + 1)?;
    }
    Ok(())
}
