//! Sends an IRP that has no completion routine, from the heap.
use wdm_irp::{ByteOffset, Irp, IrpError, PassiveLevel, TargetDevice};

fn read(disk: &TargetDevice, at: &PassiveLevel) -> Result<(), IrpError> {
    let _sent = Irp::allocate(disk)?.read([0; 512], ByteOffset(0)).send_boxed(at);
    Ok(())
}

fn main() {}
