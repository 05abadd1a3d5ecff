//! Looks at a completed request whose IRP is in flight again.

use wdm_irp::{ByteOffset, Irp, IrpError, PassiveLevel, TargetDevice, Timeout};

fn read_twice(disk: &TargetDevice, at: &PassiveLevel) -> Result<usize, IrpError> {
    let soon = Timeout::seconds(5);
    let first = Irp::allocate(disk)?.read([0; 512], ByteOffset(0)).send_and_wait(at, soon)?;
    let (irp, sector, ()) = first.reuse();
    irp.read(sector, ByteOffset(512)).send_and_wait(at, soon)?;
    Ok(first.information())
}

fn main() {}
