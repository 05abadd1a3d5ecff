//! Requests in flight: timed out, cancelled, dropped, leaked, in a slot.

use core::mem;

use wdm_irp::error::SendError;
use wdm_irp::in_flight::{Sent, Slot};
use wdm_irp::sys::{STATUS_CANCELLED, STATUS_SUCCESS};
use wdm_irp::{ByteOffset, Irp, IrpError, PassiveLevel, TargetDevice, Timeout};

use super::below::{Devices, Kernel};
use super::failure::{Failure, counts_up, failed, is_error, same};
use super::outcome::{Outcome, SOON, Seen, note};

pub(super) fn timeout_cancels(
    on: &Devices<'_>,
    at: &PassiveLevel,
    _: &dyn Kernel,
) -> Result<(), Failure> {
    let sent = Irp::allocate(on.until_cancelled)?
        .read([0; 16], ByteOffset(0))
        .on_completion(note, Seen::default())
        .send_and_wait(at, Timeout::milliseconds(20));
    match sent {
        Err(SendError::Failed(timed_out)) => {
            let done = failed(Err(timed_out), IrpError::TimedOut)?;
            same("timed out", done.timed_out(), true)?;
            Outcome::of(&done).check(STATUS_CANCELLED, 0, true)
        }
        Err(SendError::NotSent(not_sent)) => Err(not_sent.into()),
        Ok(_) => Err(Failure::NoError),
    }
}

/// Times out, with a lower driver that ignores the cancellation.
///
/// Its data still arrives, in memory that is still there.
pub(super) fn timeout_of_what_cannot_be_cancelled(
    on: &Devices<'_>,
    at: &PassiveLevel,
    _: &dyn Kernel,
) -> Result<(), Failure> {
    let mut done = Irp::allocate(on.slow)?
        .read([0; 16], ByteOffset(3))
        .on_completion(note, Seen::default())
        .send_and_wait(at, Timeout::milliseconds(1))?;
    same("timed out", done.timed_out(), true)?;
    counts_up("data", done.transferred(), 3)?;
    Outcome::of(&done).check(STATUS_SUCCESS, 16, true)
}

pub(super) fn cancelled_on_demand(
    on: &Devices<'_>,
    at: &PassiveLevel,
    _: &dyn Kernel,
) -> Result<(), Failure> {
    let mut block = [0; 16];
    Irp::allocate(on.until_cancelled)?
        .read(&mut block, ByteOffset(0))
        .on_completion(note, Seen::default())
        .send_scoped(at, |sent| {
            let Sent::InFlight(in_flight) = sent else {
                return Err(Failure::NotInFlight);
            };
            let Err(in_flight) = in_flight.try_complete() else {
                return Err(Failure::NotInFlight);
            };
            in_flight.cancel();
            let outcome = in_flight.wait(at, SOON);
            let done = failed(outcome, IrpError::Device(STATUS_CANCELLED))?;
            same("timed out", done.timed_out(), false)?;
            Outcome::of(&done).check(STATUS_CANCELLED, 0, true)
        })?
}

/// Drops the handle of a request with a borrowed buffer.
///
/// The request must be over when the handle is gone: hazards [H7] and [H20].
///
/// [H7]: https://github.com/wdm-irp/wdm-irp/blob/main/docs/hazards.md#h7
/// [H20]: https://github.com/wdm-irp/wdm-irp/blob/main/docs/hazards.md#h20
pub(super) fn dropped_in_flight(
    on: &Devices<'_>,
    at: &PassiveLevel,
    _: &dyn Kernel,
) -> Result<(), Failure> {
    let mut block = [0xEE; 16];
    Irp::allocate(on.until_cancelled)?
        .read(&mut block, ByteOffset(0))
        .on_completion(note, Seen::default())
        .send_scoped(at, |sent| drop(sent))?;
    same("untouched byte", block[0], 0xEE)?;

    Irp::allocate(on.slow)?
        .read(&mut block, ByteOffset(9))
        .on_completion(note, Seen::default())
        .send_scoped(at, |sent| drop(sent))?;
    counts_up("data", &block, 9)
}

pub(super) fn leaked_in_flight(
    on: &Devices<'_>,
    at: &PassiveLevel,
    _: &dyn Kernel,
) -> Result<(), Failure> {
    let mut block = [0; 16];
    Irp::allocate(on.slow)?
        .read(&mut block, ByteOffset(11))
        .on_completion(note, Seen::default())
        .send_scoped(at, |sent| mem::forget(sent))?;
    counts_up("data", &block, 11)
}

/// Sends requests from memory that lives as long as the driver, one at a time.
pub(super) fn static_slot(
    on: &Devices<'_>,
    at: &PassiveLevel,
    _: &dyn Kernel,
) -> Result<(), Failure> {
    static SLOT: Slot<note, [u8; 16]> = Slot::new();

    let request = |target: &TargetDevice| {
        Ok::<_, IrpError>(
            Irp::allocate(target.clone())?
                .read([0; 16], ByteOffset(5))
                .on_completion(note, Seen::default()),
        )
    };
    let first = request(on.until_cancelled)?.send_in(&SLOT, at)?;
    let second = request(on.pend)?.send_in(&SLOT, at);
    is_error(second.err().map(IrpError::from), IrpError::SlotInUse)?;
    let outcome = first.wait(at, Timeout::milliseconds(20));
    let done = failed(outcome, IrpError::TimedOut)?;
    same("timed out", done.timed_out(), true)?;
    Outcome::of(&done).check(STATUS_CANCELLED, 0, true)?;

    for target in [on.pend, on.inline, on.pend] {
        let mut done = request(target)?.send_in(&SLOT, at)?.wait(at, SOON)?;
        counts_up("data", done.transferred(), 5)?;
    }
    Ok(())
}
