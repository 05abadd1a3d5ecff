//! Cancels a request by its handle, which the wait has taken with the IRP.
use wdm_irp::in_flight::Sent;
use wdm_irp::{ByteOffset, Irp, IrpError, PassiveLevel, TargetDevice, Timeout};

fn read(disk: TargetDevice, at: &PassiveLevel) -> Result<(), IrpError> {
    let request = Irp::allocate(disk)?.read([0; 512], ByteOffset(0));
    if let Sent::InFlight(in_flight) = request.send_boxed(at)? {
        in_flight.wait(at, Timeout::seconds(5))?;
        in_flight.cancel();
    }
    Ok(())
}

fn main() {}
