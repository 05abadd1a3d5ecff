//! Sends at DISPATCH_LEVEL what may be sent at PASSIVE_LEVEL only.
use wdm_irp::irql::{DispatchLevel, UpToDispatch};
use wdm_irp::{Completing, Irp, IrpError, Signaled, TargetDevice, completion_routine};

#[completion_routine]
fn flushed(irp: Completing<'_, ()>) -> Signaled<'_> {
    irp.signal_if_pended()
}

fn flush(disk: TargetDevice<UpToDispatch>, at: &DispatchLevel) -> Result<(), IrpError> {
    let _sent = Irp::allocate(disk)?.flush().on_completion(flushed, ()).send_boxed(at)?;
    Ok(())
}

fn main() {}
