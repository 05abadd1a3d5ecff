//! Tries to return the canceller of a scoped request from the scope.

use wdm_irp::{ByteOffset, Irp, IrpError, PassiveLevel, TargetDevice};

fn read(disk: &TargetDevice, at: &PassiveLevel) -> Result<(), IrpError> {
    let request = Irp::allocate(disk)?.read([0; 512], ByteOffset(0));
    let canceller = request.send_scoped_cancellable(at, |sent, canceller| {
        drop(sent);
        canceller
    })?;
    canceller.cancel();
    Ok(())
}

fn main() {}
