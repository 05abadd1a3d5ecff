//! Waits at DISPATCH_LEVEL.
use wdm_irp::irql::{DispatchLevel, UpToDispatch};
use wdm_irp::{
    ByteOffset, Completing, Irp, IrpError, Signaled, TargetDevice, Timeout, completion_routine,
};

#[completion_routine]
fn read_done(irp: Completing<'_, ()>) -> Signaled<'_> {
    irp.signal_if_pended()
}

fn read(disk: &TargetDevice<UpToDispatch>, sector: &mut [u8], at: &DispatchLevel) -> Result<(), IrpError> {
    Irp::allocate(disk)?.read(sector, ByteOffset(0)).on_completion(read_done, ()).send_and_wait(at, Timeout::seconds(5))?;
    Ok(())
}

fn main() {}
