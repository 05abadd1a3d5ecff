//! Sends an IRP that says nothing.
use wdm_irp::{Irp, IrpError, PassiveLevel, TargetDevice, Timeout};

fn nothing(disk: &TargetDevice, at: &PassiveLevel) -> Result<(), IrpError> {
    Irp::allocate(disk)?.send_and_wait(at, Timeout::seconds(5));
    Ok(())
}

fn main() {}
