//! Uses the IRP of a request again that somebody else may still cancel.
use wdm_irp::{ByteOffset, Irp, IrpError, PassiveLevel, TargetDevice, Timeout};

fn twice(disk: TargetDevice, at: &PassiveLevel) -> Result<(), IrpError> {
    let request = Irp::allocate(disk)?.read([0; 512], ByteOffset(0));
    let (sent, canceller) = request.send_cancellable(at)?;
    let (irp, _, ()) = sent.wait(at, Timeout::seconds(5))?.reuse();
    irp.flush().send_and_wait(at, Timeout::seconds(5))?;
    canceller.cancel();
    Ok(())
}

fn main() {}
