//! Sends an IRP that has no completion routine.
use wdm_irp::{ByteOffset, Irp, IrpError, PassiveLevel, TargetDevice, Timeout};

fn read(disk: &TargetDevice, sector: &mut [u8], at: &PassiveLevel) -> Result<usize, IrpError> {
    let done = Irp::allocate(disk)?
        .read(sector, ByteOffset(0))
        .send_and_wait(at, Timeout::seconds(5))?;
    Ok(done.information())
}

fn main() {}
