//! Uses a borrowed buffer in the scope in which its request was abandoned: the lower driver may
//! write to it until the scope ends ([H7](../../../docs/hazards.md#h7)).

use wdm_irp::{ByteOffset, Irp, IrpError, PassiveLevel, TargetDevice};

fn read(disk: &TargetDevice, at: &PassiveLevel) -> Result<u8, IrpError> {
    let mut sector = [0; 512];
    let request = Irp::allocate(disk)?.read(&mut sector, ByteOffset(0));
    let first = request.send_scoped(at, |sent| {
        drop(sent);
        sector[0]
    })?;
    Ok(first)
}

fn main() {}
