//! Waits without saying for how long.
use wdm_irp::{ByteOffset, Completing, Irp, IrpError, PassiveLevel, Signaled, TargetDevice, Timeout, completion_routine};

#[completion_routine]
fn read_done(irp: Completing<'_, ()>) -> Signaled<'_> {
    irp.signal_if_pended()
}

fn read(disk: &TargetDevice, sector: &mut [u8], at: &PassiveLevel) -> Result<(), IrpError> {
    let _ = Timeout::FOREVER;
    Irp::allocate(disk)?.read(sector, ByteOffset(0)).on_completion(read_done, ()).send_and_wait(at)?;
    Ok(())
}

fn main() {}
