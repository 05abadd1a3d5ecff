//! Sends at DISPATCH_LEVEL to a target whose drivers are not vouched for to take requests there.
use wdm_irp::irql::DispatchLevel;
use wdm_irp::{ByteOffset, Irp, IrpError, TargetDevice};

fn start(disk: TargetDevice, at: &DispatchLevel) -> Result<(), IrpError> {
    let _sent = Irp::allocate(disk)?.read([0; 512], ByteOffset(0)).send_boxed(at)?;
    Ok(())
}

fn main() {}
