//! Gives the handle of a scoped request to a thread that outlives the scope, as it is, and with its type hidden.
use std::any::Any;
use wdm_irp::{ByteOffset, Completing, Irp, IrpError, PassiveLevel, Signaled, TargetDevice, completion_routine};

#[completion_routine]
fn read_done(irp: Completing<'_, ()>) -> Signaled<'_> {
    irp.signal_if_pended()
}

fn read(disk: TargetDevice, at: &PassiveLevel) -> Result<(), IrpError> {
    let request = Irp::allocate(disk)?.read([0; 8], ByteOffset(0)).on_completion(read_done, ());
    request.send_scoped(at, |sent| drop(std::thread::spawn(move || drop(sent))))?;
    Ok(())
}

fn read_hidden(disk: TargetDevice, at: &PassiveLevel) -> Result<Box<dyn Any>, IrpError> {
    let request = Irp::allocate(disk)?.read([0; 8], ByteOffset(0)).on_completion(read_done, ());
    Ok(request.send_scoped(at, |sent| Box::new(sent) as Box<dyn Any>)?)
}

fn main() {}
