//! The data that control codes and direct I/O move, and requests without any.

use wdm_irp::buffer::SystemBuffer;
use wdm_irp::request::{ControlCode, OutDirect, PnpMinor};
use wdm_irp::sys::STATUS_SUCCESS;
use wdm_irp::{Irp, PassiveLevel};

use super::below::{Devices, Kernel};
use super::failure::{Failure, counts_up, same};
use super::outcome::{Outcome, SOON, Seen, note, read};
use crate::codes::{BUFFERED, OUT_DIRECT};

pub(super) fn ioctl_data(
    on: &Devices<'_>,
    at: &PassiveLevel,
    _: &dyn Kernel,
) -> Result<(), Failure> {
    for (target, pended) in [(on.inline, false), (on.pend, true)] {
        let mut done = Irp::allocate(target)?
            .device_control(BUFFERED, SystemBuffer::both([0, 1, 2, 3, 4, 5, 6, 7], 4))
            .on_completion(note, Seen::default())
            .send_and_wait(at, SOON)?;
        Outcome::of(&done).check(STATUS_SUCCESS, 4, pended)?;
        same(
            "output",
            done.transferred() == [0xFF, 0xFE, 0xFD, 0xFC],
            true,
        )?;
    }
    Ok(())
}

/// Gets the output of a `METHOD_OUT_DIRECT` request, through an MDL.
pub(super) fn ioctl_direct_data(
    on: &Devices<'_>,
    at: &PassiveLevel,
    _: &dyn Kernel,
) -> Result<(), Failure> {
    let code: ControlCode<OutDirect> = OUT_DIRECT;
    let mut data = [0; 8];
    let done = Irp::allocate(on.pend)?
        .device_control(code, ([0x0F; 8], &mut data))
        .on_completion(note, Seen::default())
        .send_and_wait(at, SOON)?;
    Outcome::of(&done).check(STATUS_SUCCESS, 8, true)?;
    same("output", data == [0xF0; 8], true)
}

/// Reads more than one page from devices with `DO_DIRECT_IO`.
pub(super) fn direct_read(
    on: &Devices<'_>,
    at: &PassiveLevel,
    _: &dyn Kernel,
) -> Result<(), Failure> {
    for (target, pended) in [(on.inline_direct, false), (on.pend_direct, true)] {
        let mut pages = [0; 5000];
        let done = read(target, &mut pages, 42, at)?;
        done.check(STATUS_SUCCESS, 5000, pended)?;
        counts_up("data", &pages, 42)?;
    }
    Ok(())
}

pub(super) fn flush_shutdown_pnp(
    on: &Devices<'_>,
    at: &PassiveLevel,
    _: &dyn Kernel,
) -> Result<(), Failure> {
    for target in [on.inline, on.pend] {
        for request in [
            Irp::allocate(target)?.flush(),
            Irp::allocate(target)?.shutdown(),
            Irp::allocate(target)?.pnp(PnpMinor::QUERY_PNP_DEVICE_STATE),
        ] {
            let done = request
                .on_completion(note, Seen::default())
                .send_and_wait(at, SOON)?;
            same("calls", done.context().calls, 1)?;
        }
    }
    Ok(())
}
