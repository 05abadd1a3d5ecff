//! Uses an IRP again while the lower drivers own it.
use wdm_irp::in_flight::Sent;
use wdm_irp::{ByteOffset, Irp, IrpError, PassiveLevel, TargetDevice};

fn twice(disk: TargetDevice, at: &PassiveLevel) -> Result<(), IrpError> {
    let request = Irp::allocate(disk)?.read([0; 512], ByteOffset(0));
    if let Sent::InFlight(in_flight) = request.send_boxed(at)? {
        let (irp, _, ()) = in_flight.reuse();
        drop(irp.flush().send_boxed(at)?);
    }
    Ok(())
}

fn main() {}
