//! Sends from a slot that is freed with its last owner, who need not be the handle.
use std::sync::Arc;
use wdm_irp::in_flight::{InFlight, Slot};
use wdm_irp::{
    ByteOffset, Completing, Irp, IrpError, PassiveLevel, Signaled, TargetDevice, completion_routine,
};

#[completion_routine]
fn read_done(irp: Completing<'_, ()>) -> Signaled<'_> {
    irp.signal_if_pended()
}

type Shared = Arc<Slot<read_done, [u8; 8]>>;

fn borrowed(disk: TargetDevice, slot: Shared, at: &PassiveLevel) -> Result<(), IrpError> {
    let request = Irp::allocate(disk)?.read([0; 8], ByteOffset(0)).on_completion(read_done, ());
    std::mem::forget(request.send_in(&slot, at)?);
    Ok(())
}

fn owned(_: InFlight<Shared>) {}

fn main() {}
