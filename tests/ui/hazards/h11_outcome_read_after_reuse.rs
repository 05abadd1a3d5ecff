//! Reads the status of a request whose IRP has been used again.
use wdm_irp::{ByteOffset, Irp, IrpError, PassiveLevel, TargetDevice, Timeout};

fn twice(disk: &TargetDevice, at: &PassiveLevel) -> Result<usize, IrpError> {
    let read = Irp::allocate(disk)?.read([0; 512], ByteOffset(0));
    let done = read.send_and_wait(at, Timeout::seconds(5))?;
    let (irp, sector, ()) = done.reuse();
    irp.write(sector, ByteOffset(512)).send_and_wait(at, Timeout::seconds(5))?;
    Ok(done.information())
}

fn main() {}
