//! Stores the handle of a request where it outlives the scope.
use wdm_irp::{ByteOffset, Completing, Irp, IrpError, PassiveLevel, Signaled, TargetDevice, Timeout, completion_routine};

#[completion_routine]
fn read_done(irp: Completing<'_, ()>) -> Signaled<'_> {
    irp.signal_if_pended()
}

fn read(disk: &TargetDevice, sector: &mut [u8], at: &PassiveLevel) -> Result<(), IrpError> {
    let request = Irp::allocate(disk)?.read(sector, ByteOffset(0)).on_completion(read_done, ());
    let mut kept = None;
    request.send_scoped(at, |sent| kept = Some(sent))?;
    drop(kept);
    let _ = Timeout::FOREVER;
    Ok(())
}

fn main() {}
