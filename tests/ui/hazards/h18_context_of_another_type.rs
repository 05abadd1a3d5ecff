//! Registers a routine with a context that it does not understand.
use wdm_irp::{ByteOffset, Completing, Irp, IrpError, PassiveLevel, Signaled, TargetDevice, Timeout, completion_routine};

struct Stats;
struct Queue;

#[completion_routine]
fn read_done(irp: Completing<'_, Stats>) -> Signaled<'_> {
    irp.signal_if_pended()
}

fn read(disk: &TargetDevice, sector: &mut [u8], at: &PassiveLevel) -> Result<(), IrpError> {
    Irp::allocate(disk)?
        .read(sector, ByteOffset(0))
        .on_completion(read_done, Queue)
        .send_and_wait(at, Timeout::seconds(5))?;
    Ok(())
}

fn main() {}
