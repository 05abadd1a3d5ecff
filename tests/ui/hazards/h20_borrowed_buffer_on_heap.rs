//! Lends a borrowed buffer to an operation on the heap, which could be leaked.
use wdm_irp::{ByteOffset, Completing, Irp, IrpError, PassiveLevel, Signaled, TargetDevice, Timeout, completion_routine};

#[completion_routine]
fn read_done(irp: Completing<'_, ()>) -> Signaled<'_> {
    irp.signal_if_pended()
}

fn read(disk: TargetDevice, at: &PassiveLevel) -> Result<(), IrpError> {
    let mut sector = [0; 512];
    let sent = Irp::allocate(disk)?
        .read(&mut sector, ByteOffset(0))
        .on_completion(read_done, ())
        .send_boxed(at)?;
    std::mem::forget(sent);
    let _ = Timeout::FOREVER;
    Ok(())
}

fn main() {}
