//! Sends from a slot that is a `const`: each use makes a new one, on the stack.
use wdm_irp::in_flight::Slot;
use wdm_irp::{
    ByteOffset, Completing, Irp, IrpError, PassiveLevel, Signaled, TargetDevice, completion_routine,
};

#[completion_routine]
fn read_done(irp: Completing<'_, ()>) -> Signaled<'_> {
    irp.signal_if_pended()
}

const SLOT: Slot<read_done, [u8; 8]> = Slot::new();

fn read(disk: TargetDevice, at: &PassiveLevel) -> Result<(), IrpError> {
    let request = Irp::allocate(disk)?.read([0; 8], ByteOffset(0)).on_completion(read_done, ());
    let sent = request.send_in(&SLOT, at)?;
    std::mem::forget(sent);
    Ok(())
}

fn main() {}
