//! Uses the context after it was given to the request.
use wdm_irp::{ByteOffset, Completing, Irp, IrpError, PassiveLevel, Signaled, TargetDevice, completion_routine};

struct Stats(Vec<u32>);

#[completion_routine]
fn read_done(irp: Completing<'_, Stats>) -> Signaled<'_> {
    irp.signal_if_pended()
}

fn read(disk: TargetDevice, at: &PassiveLevel) -> Result<(), IrpError> {
    let stats = Stats(Vec::new());
    let sent = Irp::allocate(disk)?
        .read([0; 512], ByteOffset(0))
        .on_completion(read_done, stats)
        .send_boxed(at)?;
    drop(stats);
    drop(sent);
    Ok(())
}

fn main() {}
