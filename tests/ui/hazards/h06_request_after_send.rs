//! Sends the same request twice.
use wdm_irp::{ByteOffset, Completing, Irp, IrpError, PassiveLevel, Signaled, TargetDevice, Timeout, completion_routine};

#[completion_routine]
fn read_done(irp: Completing<'_, ()>) -> Signaled<'_> {
    irp.signal_if_pended()
}

fn read(disk: &TargetDevice, sector: &mut [u8], at: &PassiveLevel) -> Result<(), IrpError> {
    let request = Irp::allocate(disk)?.read(sector, ByteOffset(0)).on_completion(read_done, ());
    request.send_and_wait(at, Timeout::seconds(5))?;
    request.send_and_wait(at, Timeout::seconds(5))?;
    Ok(())
}

fn main() {}
