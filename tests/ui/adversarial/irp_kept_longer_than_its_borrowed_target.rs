//! Keeps an IRP for the next request to a target that is gone.

use wdm_irp::{ByteOffset, Irp, IrpError, PassiveLevel, TargetDevice, Timeout};

fn read_twice(disk: TargetDevice, at: &PassiveLevel) -> Result<(), IrpError> {
    let soon = Timeout::seconds(5);
    let done = Irp::allocate(&disk)?.read([0; 512], ByteOffset(0)).send_and_wait(at, soon)?;
    drop(disk);
    let (irp, sector, ()) = done.reuse();
    irp.read(sector, ByteOffset(512)).send_and_wait(at, soon)?;
    Ok(())
}

fn main() {}
