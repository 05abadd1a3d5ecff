//! Keeps the right to cancel a request of a scope, whose IRP is freed at its end.
use wdm_irp::{ByteOffset, Irp, IrpError, PassiveLevel, TargetDevice};

fn read(disk: &TargetDevice, sector: &mut [u8], at: &PassiveLevel) -> Result<(), IrpError> {
    let request = Irp::allocate(disk)?.read(sector, ByteOffset(0));
    let canceller = request.send_scoped_cancellable(at, |_sent, canceller| canceller)?;
    canceller.cancel();
    Ok(())
}

fn main() {}
