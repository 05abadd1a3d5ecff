//! Keeps the canceller of a request on the stack until after the request, whose IRP is freed by then.
use wdm_irp::in_flight::ScopedCanceller;
use wdm_irp::{ByteOffset, Irp, IrpError, PassiveLevel, TargetDevice};

fn read<'a>(disk: &TargetDevice, at: &PassiveLevel) -> Result<ScopedCanceller<'a>, IrpError> {
    let request = Irp::allocate(disk)?.read([0; 512], ByteOffset(0));
    Ok(request.send_scoped_cancellable(at, |_sent, canceller| canceller)?)
}

fn main() {}
