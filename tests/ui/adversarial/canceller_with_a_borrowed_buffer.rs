//! Sends a request with a canceller, and lends it a buffer that may be gone when it is abandoned.

use wdm_irp::in_flight::Canceller;
use wdm_irp::{ByteOffset, Irp, IrpError, PassiveLevel, TargetDevice};

fn read(disk: TargetDevice, at: &PassiveLevel) -> Result<Canceller, IrpError> {
    let mut sector = [0; 512];
    let request = Irp::allocate(disk)?.read(&mut sector, ByteOffset(0));
    let (sent, canceller) = request.send_cancellable(at)?;
    drop(sent);
    Ok(canceller)
}

fn main() {}
