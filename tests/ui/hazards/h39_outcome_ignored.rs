//! Does not look whether the reads have succeeded: one that is waited for at once, and one that is waited for later.
#![deny(unused_must_use)]
use wdm_irp::{ByteOffset, Irp, IrpError, PassiveLevel, TargetDevice, Timeout};

fn read(disk: &TargetDevice, sector: &mut [u8], at: &PassiveLevel) -> Result<(), IrpError> {
    let ahead = Irp::allocate(disk.clone())?.read([0; 512], ByteOffset(512)).send_boxed(at)?;
    Irp::allocate(disk)?.read(sector, ByteOffset(0)).send_and_wait(at, Timeout::seconds(5));
    ahead.wait(at, Timeout::seconds(5));
    Ok(())
}

fn main() {}
