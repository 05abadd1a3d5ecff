//! Drops the target between allocating the IRP and sending it.
use wdm_irp::{ByteOffset, Completing, Irp, IrpError, PassiveLevel, Signaled, TargetDevice, Timeout, completion_routine};

#[completion_routine]
fn read_done(irp: Completing<'_, ()>) -> Signaled<'_> {
    irp.signal_if_pended()
}

fn read(disk: TargetDevice, at: &PassiveLevel) -> Result<(), IrpError> {
    let irp = Irp::allocate(&disk)?;
    drop(disk);
    irp.read([0; 512], ByteOffset(0)).on_completion(read_done, ()).send_and_wait(at, Timeout::seconds(5))?;
    Ok(())
}

fn main() {}
