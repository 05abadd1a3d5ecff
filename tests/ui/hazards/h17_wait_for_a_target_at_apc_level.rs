//! Waits at APC_LEVEL for a target whose driver takes requests at PASSIVE_LEVEL only.
use wdm_irp::irql::ApcLevel;
use wdm_irp::{ByteOffset, Irp, IrpError, TargetDevice, Timeout};

fn read(pipe: &TargetDevice, message: &mut [u8], at: &ApcLevel) -> Result<(), IrpError> {
    Irp::allocate(pipe)?.read(message, ByteOffset(0)).send_and_wait(at, Timeout::seconds(5))?;
    Ok(())
}

fn main() {}
