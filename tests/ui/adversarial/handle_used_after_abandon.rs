//! Waits for a request that was abandoned.

use wdm_irp::in_flight::{BoxedSlot, InFlight};
use wdm_irp::routine::SignalIfPended;
use wdm_irp::{IrpError, PassiveLevel, Timeout};

fn give_up(
    request: InFlight<BoxedSlot<SignalIfPended, [u8; 512]>>,
    at: &PassiveLevel,
) -> Result<usize, IrpError> {
    request.abandon();
    Ok(request.wait(at, Timeout::seconds(1))?.information())
}

fn main() {}
