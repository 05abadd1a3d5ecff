//! Sends two requests at a time with one IRP.

use wdm_irp::{ByteOffset, Irp, IrpError, PassiveLevel, TargetDevice, Timeout};

fn read_both(disk: TargetDevice, at: &PassiveLevel) -> Result<(), IrpError> {
    let soon = Timeout::seconds(5);
    let first = Irp::allocate(disk)?.read([0; 512], ByteOffset(0)).send_and_wait(at, soon)?;
    let (irp, sector, ()) = first.reuse();
    let one = irp.read(sector, ByteOffset(512)).send_boxed(at)?;
    let two = irp.read([0; 512], ByteOffset(1024)).send_boxed(at)?;
    one.wait(at, soon)?;
    two.wait(at, soon)?;
    Ok(())
}

fn main() {}
