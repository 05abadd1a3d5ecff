//! Sends the handle of a scoped request out of its scope through a channel.
use std::sync::mpsc;
use wdm_irp::{ByteOffset, Completing, Irp, IrpError, PassiveLevel, Signaled, TargetDevice, completion_routine};

#[completion_routine]
fn read_done(irp: Completing<'_, ()>) -> Signaled<'_> {
    irp.signal_if_pended()
}

fn read(disk: &TargetDevice, sector: &mut [u8], at: &PassiveLevel) -> Result<(), IrpError> {
    let (sender, receiver) = mpsc::channel();
    let request = Irp::allocate(disk)?.read(sector, ByteOffset(0)).on_completion(read_done, ());
    request.send_scoped(at, |sent| sender.send(sent).is_ok())?;
    drop(receiver.recv());
    Ok(())
}

fn main() {}
