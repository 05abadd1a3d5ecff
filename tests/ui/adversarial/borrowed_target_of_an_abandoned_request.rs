//! Abandons a request that has borrowed its target ([H7](../../../docs/hazards.md#h7)).

use wdm_irp::{ByteOffset, Irp, IrpError, PassiveLevel, TargetDevice};

fn read(disk: &TargetDevice, at: &PassiveLevel) -> Result<(), IrpError> {
    let request = Irp::allocate(disk)?.read([0; 512], ByteOffset(0));
    drop(request.send_boxed(at)?);
    Ok(())
}

fn main() {}
