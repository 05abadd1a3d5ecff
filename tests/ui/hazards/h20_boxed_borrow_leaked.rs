//! Leaks a boxed operation that borrows its buffer.
use wdm_irp::{ByteOffset, Completing, Irp, IrpError, PassiveLevel, Signaled, TargetDevice, Timeout, completion_routine};

#[completion_routine]
fn read_done(irp: Completing<'_, ()>) -> Signaled<'_> {
    irp.signal_if_pended()
}

fn read(disk: TargetDevice, sector: &mut [u8], at: &PassiveLevel) -> Result<(), IrpError> {
    let sent = Irp::allocate(disk)?.read(sector, ByteOffset(0)).on_completion(read_done, ()).send_boxed(at)?;
    Box::leak(Box::new(sent));
    let _ = Timeout::FOREVER;
    Ok(())
}

fn main() {}
