//! Takes a read that was completed inline for one that has succeeded.
use wdm_irp::in_flight::Sent;
use wdm_irp::{ByteOffset, Irp, IrpError, PassiveLevel, TargetDevice};

fn cached(disk: TargetDevice, at: &PassiveLevel) -> Result<Option<u8>, IrpError> {
    match Irp::allocate(disk)?.read([0; 512], ByteOffset(0)).send_boxed(at)? {
        Sent::Completed(mut done) => Ok(Some(done.transferred()[0])),
        Sent::InFlight(_) => Ok(None),
    }
}

fn main() {}
