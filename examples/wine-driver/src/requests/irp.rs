//! The IRP itself: its own stack location, its use again, and what it cannot be allocated for.

use wdm_irp::buffer::SystemBuffer;
use wdm_irp::error::SendError;
use wdm_irp::sys::{STATUS_INSUFFICIENT_RESOURCES, STATUS_SUCCESS};
use wdm_irp::{ByteOffset, Irp, IrpError, PassiveLevel};

use super::below::{Devices, Kernel, STATUS_DATA_ERROR};
use super::failure::{Failure, counts_up, is_error, same};
use super::outcome::{Outcome, SOON, Seen, note, read};
use crate::codes::BUFFERED;

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
    for refused in [Some(on.too_deep), on.own_over_deep] {
        is_error(refused, IrpError::InvalidParameter)?;
    }
    drop(Irp::allocate(on.deep)?);
    Ok(())
}

/// Sends one IRP again and again: another request each time, after success and after an error.
pub(super) fn irp_used_again(
    on: &Devices<'_>,
    at: &PassiveLevel,
    kernel: &dyn Kernel,
) -> Result<(), Failure> {
    let before = kernel.allocated();
    for target in [on.inline, on.pend] {
        let mut irp = Irp::allocate(target)?;
        for round in 0..3_i64 {
            let read = irp.read([0; 16], ByteOffset(round));
            let read = read.on_completion(note, Seen::default());
            let mut done = read.send_and_wait(at, SOON)?;
            counts_up("data", done.transferred(), round)?;
            let (again, _, seen) = done.reuse();
            same("calls of the completion routine", seen.calls, 1)?;

            // The lower device wants what a read of that offset gives.
            let write = again.write([1, 2, 3, 5], ByteOffset(1));
            let Err(SendError::Failed(refused)) = write.send_and_wait(at, SOON) else {
                return Err(Failure::NoError);
            };
            is_error(Some(refused.error()), IrpError::Device(STATUS_DATA_ERROR))?;
            let (again, _, ()) = refused.into_completed().reuse();

            let both = SystemBuffer::both([0, 1, 2, 3], 4);
            let mut done = again
                .device_control(BUFFERED, both)
                .send_and_wait(at, SOON)?;
            same(
                "output",
                done.transferred() == [0xFF, 0xFE, 0xFD, 0xFC],
                true,
            )?;
            irp = done.reuse().0;
            same("allocated IRPs", kernel.allocated(), before + 1)?;
        }
    }
    Ok(())
}

/// Sends the IRP of a pair again: its own stack location is there again.
pub(super) fn own_stack_location_again(
    on: &Devices<'_>,
    at: &PassiveLevel,
    _: &dyn Kernel,
) -> Result<(), Failure> {
    for target in [on.own_over_pend, on.registered_over_pend] {
        let mut irp = Irp::allocate(target)?;
        for round in 0..3 {
            let read = irp.read([0; 16], ByteOffset(round));
            let read = read.on_completion(note, Seen::default());
            let mut done = read.send_and_wait(at, SOON)?;
            counts_up("data", done.transferred(), round)?;
            let (again, _, seen) = done.reuse();
            same("device object", seen.device, target.own().addr())?;
            irp = again;
        }
    }
    Ok(())
}

/// Sends a request whose routine cannot be registered (`IoSetCompletionRoutineEx`), and then can.
pub(super) fn registration_failure(
    on: &Devices<'_>,
    at: &PassiveLevel,
    kernel: &dyn Kernel,
) -> Result<(), Failure> {
    kernel.fail_next_registration();
    let sent = Irp::allocate(on.registered_over_pend)?
        .read([0; 16], ByteOffset(4))
        .on_completion(note, Seen::default())
        .send_and_wait(at, SOON);
    let Err(SendError::NotSent(not_sent)) = sent else {
        return Err(Failure::NoError);
    };
    is_error(Some(not_sent.error), IrpError::RoutineRegistration)?;
    let mut done = not_sent.request.send_and_wait(at, SOON)?;
    counts_up("data", done.transferred(), 4)?;
    Outcome::of(&done).check(STATUS_SUCCESS, 16, true)
}
