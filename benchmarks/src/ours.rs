//! With wdm-irp.

use wdm_irp::PendingReturned::{Inline, Pended};
use wdm_irp::{
    ByteOffset, Completing, Irp, IrpError, PassiveLevel, Signaled, TargetDevice, Timeout,
    completion_routine,
};

use crate::{Arguments, Sector};

/// Signals if the IRP has pended.
#[completion_routine]
pub fn read_done(irp: Completing<'_, ()>) -> Signaled<'_> {
    match irp.pending_returned() {
        Pended(irp) => irp.signal(),
        Inline(irp) => irp.finish(),
    }
}

/// Returns the proof that the callers of this package's functions owe.
fn passive() -> PassiveLevel {
    // SAFETY: `Sender::read` is called at PASSIVE_LEVEL: by `c/driver.c` in a device control
    // request of a program, by the host's programs always.
    unsafe { PassiveLevel::assume() }
}

/// Reads a sector, see [`crate::Sender`].
///
/// # Errors
/// The status, or why there is none.
#[cfg(not(feature = "driver"))]
#[unsafe(export_name = "measured_ours_read")]
#[inline(never)]
pub fn read(disk: &TargetDevice, sector: &mut Sector) -> crate::Outcome {
    send(disk, sector, Arguments::FIRST).map_err(IrpError::status)
}

/// Does all that is measured, in each caller or in a driver image.
#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "each sender is one function, as the C drivers are"
)]
pub(crate) fn send(
    disk: &TargetDevice,
    sector: &mut Sector,
    arguments: Arguments,
) -> Result<usize, IrpError> {
    let done = Irp::allocate(disk)?
        .read(sector, ByteOffset(arguments.offset))
        .on_completion(read_done, ())
        .send_and_wait(passive(), Timeout::seconds(arguments.seconds))?;
    Ok(done.information())
}

/// Reads a sector four times with one IRP, see [`crate::Sender`].
///
/// # Errors
/// The status, or why there is none.
#[cfg(not(feature = "driver"))]
#[unsafe(export_name = "measured_ours_read_four")]
#[inline(never)]
pub fn read_four(disk: &TargetDevice, sector: &mut Sector) -> crate::Outcome {
    send_four(disk, sector, Arguments::FIRST).map_err(IrpError::status)
}

/// Does all that is measured of four reads.
#[cfg(not(feature = "driver"))]
#[inline(always)]
#[expect(clippy::inline_always, reason = "as for `send`")]
pub(crate) fn send_four(
    disk: &TargetDevice,
    mut sector: &mut Sector,
    arguments: Arguments,
) -> Result<usize, IrpError> {
    let mut irp = Irp::allocate(disk)?;
    let mut bytes = 0;
    let mut left = 4;
    loop {
        let done = irp
            .read(sector, ByteOffset(arguments.offset))
            .on_completion(read_done, ())
            .send_and_wait(passive(), Timeout::seconds(arguments.seconds))?;
        bytes += done.information();
        left -= 1;
        if left == 0 {
            return Ok(bytes);
        }
        (irp, sector, ()) = done.reuse();
    }
}

/// A request that was sent from memory of its own.
#[cfg(feature = "boxed")]
pub type Boxed = wdm_irp::in_flight::Sent<wdm_irp::in_flight::BoxedSlot<read_done, [u8; 8]>>;

/// Sends a request and does not wait for it.
///
/// # Errors
/// The request was not sent.
#[cfg(feature = "boxed")]
#[unsafe(export_name = "measured_ours_boxed_send")]
#[inline(never)]
pub fn boxed_send(disk: TargetDevice) -> Result<Boxed, IrpError> {
    send_boxed(disk, Arguments::FIRST)
}

/// Waits for a request of [`boxed_send`].
#[cfg(feature = "boxed")]
#[unsafe(export_name = "measured_ours_boxed_wait")]
#[inline(never)]
#[must_use]
pub fn boxed_wait(sent: Boxed) -> usize {
    wait_boxed(sent, Arguments::FIRST)
}

/// Does all that is measured of a request from memory of its own until it is sent.
#[cfg(feature = "boxed")]
#[inline(always)]
#[expect(clippy::inline_always, reason = "as for `send`")]
pub(crate) fn send_boxed(disk: TargetDevice, arguments: Arguments) -> Result<Boxed, IrpError> {
    let request = Irp::allocate(disk)?
        .read([0; 8], ByteOffset(arguments.offset))
        .on_completion(read_done, ());
    Ok(request.send_boxed(passive())?)
}

/// Does the rest.
#[cfg(feature = "boxed")]
#[inline(always)]
#[expect(clippy::inline_always, reason = "as for `send`")]
pub(crate) fn wait_boxed(sent: Boxed, arguments: Arguments) -> usize {
    match sent.wait(passive(), Timeout::seconds(arguments.seconds)) {
        Ok(done) => done.information(),
        Err(failed) => failed.completed().information(),
    }
}
