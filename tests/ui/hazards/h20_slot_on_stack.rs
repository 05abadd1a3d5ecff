//! A slot of the caller's own on the stack, whose handle could be leaked.
use wdm_irp::in_flight::Slot;
use wdm_irp::{
    ByteOffset, Completing, Irp, IrpError, PassiveLevel, Signaled, TargetDevice, completion_routine,
};

#[completion_routine]
fn read_done(irp: Completing<'_, ()>) -> Signaled<'_> {
    irp.signal_if_pended()
}

fn read(disk: TargetDevice, at: &PassiveLevel) -> Result<(), IrpError> {
    let slot = Slot::new();
    let sent = Irp::allocate(disk)?
        .read([0; 512], ByteOffset(0))
        .on_completion(read_done, ())
        .send_in(&slot, at)?;
    std::mem::forget(sent);
    Ok(())
}

fn main() {}
