//! Tries to cancel a scoped request from a thread that the scope does not wait for.

use wdm_irp::{ByteOffset, Irp, IrpError, PassiveLevel, TargetDevice, Timeout};

fn read(disk: &TargetDevice, at: &PassiveLevel) -> Result<(), IrpError> {
    let request = Irp::allocate(disk)?.read([0; 512], ByteOffset(0));
    request.send_scoped_cancellable(at, |sent, canceller| {
        std::thread::spawn(move || canceller.cancel());
        sent.wait(at, Timeout::seconds(5))
    })??;
    Ok(())
}

fn main() {}
