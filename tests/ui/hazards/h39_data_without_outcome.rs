//! Uses what a read has transferred without a look whether it has succeeded.
use wdm_irp::{ByteOffset, Irp, IrpError, PassiveLevel, TargetDevice, Timeout};

fn first(disk: TargetDevice, at: &PassiveLevel) -> Result<u8, IrpError> {
    let sent = Irp::allocate(disk)?.read([0; 512], ByteOffset(0)).send_boxed(at)?;
    let mut done = sent.wait(at, Timeout::seconds(5));
    Ok(done.transferred()[0])
}

fn main() {}
