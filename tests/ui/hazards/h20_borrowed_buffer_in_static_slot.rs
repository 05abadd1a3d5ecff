//! Lends a borrowed buffer to an operation in static memory.
use wdm_irp::in_flight::Slot;
use wdm_irp::{
    ByteOffset, Completing, Irp, IrpError, PassiveLevel, Signaled, TargetDevice, completion_routine,
};

#[completion_routine]
fn read_done(irp: Completing<'_, ()>) -> Signaled<'_> {
    irp.signal_if_pended()
}

static SLOT: Slot<read_done, &'static mut [u8; 512]> = Slot::new();

fn read(disk: TargetDevice, at: &PassiveLevel) -> Result<(), IrpError> {
    let mut sector = [0; 512];
    let _sent = Irp::allocate(disk)?
        .read(&mut sector, ByteOffset(0))
        .on_completion(read_done, ())
        .send_in(&SLOT, at)?;
    Ok(())
}

fn main() {}
