//! Sends at DISPATCH_LEVEL to a target whose driver takes requests at PASSIVE_LEVEL only.
use wdm_irp::irql::DispatchLevel;
use wdm_irp::{ByteOffset, Irp, IrpError, TargetDevice};

fn read(pipe: TargetDevice, at: &DispatchLevel) -> Result<(), IrpError> {
    let _sent = Irp::allocate(pipe)?.read([0; 512], ByteOffset(0)).send_boxed(at)?;
    Ok(())
}

fn main() {}
