//! Cancels a request of a scope on a thread that may outlive it.
use wdm_irp::{ByteOffset, Irp, IrpError, PassiveLevel, TargetDevice};

fn read(disk: TargetDevice, at: &PassiveLevel) -> Result<(), IrpError> {
    let request = Irp::allocate(disk)?.read([0; 512], ByteOffset(0));
    request.send_scoped_cancellable(at, |_sent, canceller| {
        std::thread::spawn(move || canceller.cancel());
    })?;
    Ok(())
}

fn main() {}
