//! Looks at the buffer while the device writes to it.
use wdm_irp::{ByteOffset, Completing, Irp, IrpError, PassiveLevel, Signaled, TargetDevice, Timeout, completion_routine};

#[completion_routine]
fn read_done(irp: Completing<'_, ()>) -> Signaled<'_> {
    irp.signal_if_pended()
}

fn read(disk: &TargetDevice, sector: &mut [u8; 512], at: &PassiveLevel) -> Result<(), IrpError> {
    let request = Irp::allocate(disk)?.read(&mut *sector, ByteOffset(0)).on_completion(read_done, ());
    request.send_scoped(at, |sent| {
        sector[0] = 1;
        sent.wait(at, Timeout::seconds(5));
    })?;
    Ok(())
}

fn main() {}
