//! Tries to keep the canceller of a scoped request, whose IRP is freed at the end of the scope.

use wdm_irp::in_flight::ScopedCanceller;
use wdm_irp::{ByteOffset, Irp, IrpError, PassiveLevel, TargetDevice, Timeout};

fn read(disk: &TargetDevice, at: &PassiveLevel) -> Result<(), IrpError> {
    let mut kept: Option<ScopedCanceller<'_>> = None;
    let request = Irp::allocate(disk)?.read([0; 512], ByteOffset(0));
    let outcome = request.send_scoped_cancellable(at, |sent, canceller| {
        kept = Some(canceller);
        sent.wait(at, Timeout::seconds(5))
    })?;
    kept.unwrap().cancel();
    outcome?;
    Ok(())
}

fn main() {}
