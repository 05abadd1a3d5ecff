//! What comes back of a request, as its completion routine and its originator see it.

use wdm_irp::PendingReturned::{Inline, Pended};
use wdm_irp::routine::CompletionRoutine;
use wdm_irp::sys::NTSTATUS;
use wdm_irp::{
    ByteOffset, Completed, Completing, Irp, IrpError, PassiveLevel, Signaled, TargetDevice,
    Timeout, completion_routine,
};

use super::below::STATUS_DATA_ERROR;
use super::failure::{Failure, is_error, same};

/// Long enough for everything that is meant to complete by itself.
pub(super) const SOON: Timeout = Timeout::seconds(5);

/// What the completion routine saw.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) calls: u32,
    pub(super) status: NTSTATUS,
    pub(super) information: usize,
    pub(super) pended: bool,
    pub(super) device: usize,
}

#[completion_routine]
pub(super) fn note(mut irp: Completing<'_, Seen>) -> Signaled<'_> {
    let (status, information) = (irp.status(), irp.information());
    let device = irp.device_object().addr();
    let seen = irp.context_mut();
    seen.calls += 1;
    seen.status = status;
    seen.information = information;
    seen.device = device;
    match irp.pending_returned() {
        Pended(mut irp) => {
            irp.context_mut().pended = true;
            irp.signal()
        }
        Inline(irp) => irp.finish(),
    }
}

/// What is left of a request when the buffer is back.
pub(super) struct Outcome {
    pub(super) status: NTSTATUS,
    pub(super) information: usize,
    pub(super) calls: u32,
    pub(super) seen_status: NTSTATUS,
    pub(super) seen_information: usize,
    pub(super) seen_device: usize,
    pub(super) pended: bool,
}

impl Outcome {
    pub(super) fn of<R, B, T, I>(done: &Completed<R, B, T, I>) -> Self
    where
        R: CompletionRoutine<Context = Seen>,
    {
        let seen = done.context();
        Self {
            status: done.status(),
            information: done.information(),
            calls: seen.calls,
            seen_status: seen.status,
            seen_information: seen.information,
            seen_device: seen.device,
            pended: seen.pended,
        }
    }

    /// Checks that the originator and the completion routine, called once, have seen the same.
    pub(super) fn check(
        &self,
        status: NTSTATUS,
        information: usize,
        pended: bool,
    ) -> Result<(), Failure> {
        same("calls of the completion routine", self.calls, 1)?;
        same("status", self.status, status)?;
        same("status in the completion routine", self.seen_status, status)?;
        same("information", self.information, information)?;
        same(
            "information in the completion routine",
            self.seen_information,
            information,
        )?;
        same("PendingReturned", self.pended, pended)
    }
}

/// Reads at `offset` and waits.
pub(super) fn read(
    target: &TargetDevice,
    buffer: &mut [u8],
    offset: i64,
    at: &PassiveLevel,
) -> Result<Outcome, Failure> {
    let done = Irp::allocate(target)?
        .read(buffer, ByteOffset(offset))
        .on_completion(note, Seen::default())
        .send_and_wait(at, SOON)?;
    same("timed out", done.timed_out(), false)?;
    Ok(Outcome::of(&done))
}

/// Writes what the lower device expects, and something else.
pub(super) fn write(target: &TargetDevice, at: &PassiveLevel) -> Result<(), Failure> {
    let done = Irp::allocate(target)?
        .write([20, 21, 22, 23], ByteOffset(20))
        .on_completion(note, Seen::default())
        .send_and_wait(at, SOON)?;
    same("information", done.information(), 4)?;

    let refused = Irp::allocate(target)?
        .write([20, 21, 22, 23], ByteOffset(21))
        .on_completion(note, Seen::default())
        .send_and_wait(at, SOON);
    is_error(
        refused.err().map(IrpError::from),
        IrpError::Device(STATUS_DATA_ERROR),
    )
}
