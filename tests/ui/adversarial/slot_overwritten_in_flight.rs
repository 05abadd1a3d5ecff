//! Keeps the exclusive reference to a leaked slot, and overwrites the slot while a request is in it.
use wdm_irp::in_flight::Slot;
use wdm_irp::{
    ByteOffset, Completing, Irp, IrpError, PassiveLevel, Signaled, TargetDevice, completion_routine,
};

#[completion_routine]
fn read_done(irp: Completing<'_, ()>) -> Signaled<'_> {
    irp.signal_if_pended()
}

fn read(disk: TargetDevice, at: &PassiveLevel) -> Result<(), IrpError> {
    let slot: &'static mut Slot<read_done, [u8; 8]> = Box::leak(Box::new(Slot::new()));
    let request = Irp::allocate(disk)?.read([0; 8], ByteOffset(0)).on_completion(read_done, ());
    std::mem::forget(request.send_in(slot, at)?);
    *slot = Slot::new();
    Ok(())
}

fn main() {}
