//! Frees the buffer while the request is in flight.
use wdm_irp::{ByteOffset, Completing, Irp, IrpError, PassiveLevel, Signaled, TargetDevice, Timeout, completion_routine};

#[completion_routine]
fn read_done(irp: Completing<'_, ()>) -> Signaled<'_> {
    irp.signal_if_pended()
}

fn read(disk: &TargetDevice, at: &PassiveLevel) -> Result<(), IrpError> {
    let mut block = vec![0; 4096];
    let request = Irp::allocate(disk)?.read(&mut block[..], ByteOffset(0)).on_completion(read_done, ());
    request.send_scoped(at, |sent| {
        drop(block);
        sent.wait(at, Timeout::seconds(5));
    })?;
    Ok(())
}

fn main() {}
