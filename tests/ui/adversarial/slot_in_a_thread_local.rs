//! Sends from a slot whose memory ends with its thread.
use wdm_irp::in_flight::Slot;
use wdm_irp::{
    ByteOffset, Completing, Irp, IrpError, PassiveLevel, Signaled, TargetDevice, completion_routine,
};

#[completion_routine]
fn read_done(irp: Completing<'_, ()>) -> Signaled<'_> {
    irp.signal_if_pended()
}

thread_local! {
    static SLOT: Slot<read_done, [u8; 8]> = const { Slot::new() };
}

fn read(disk: TargetDevice, at: &PassiveLevel) -> Result<(), IrpError> {
    let request = Irp::allocate(disk)?.read([0; 8], ByteOffset(0)).on_completion(read_done, ());
    SLOT.with(|slot| std::mem::forget(request.send_in(slot, at)));
    Ok(())
}

fn main() {}
