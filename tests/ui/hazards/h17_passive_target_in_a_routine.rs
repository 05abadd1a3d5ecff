//! Sends in a completion routine, which may run at DISPATCH_LEVEL, to a pair that takes requests at PASSIVE_LEVEL.
use wdm_irp::lock_storage::InExtension;
use wdm_irp::remove_lock::RemoveLock;
use wdm_irp::target::DevicePair;
use wdm_irp::{ByteOffset, Completing, Irp, Signaled, completion_routine};

type Pair = DevicePair<InExtension<RemoveLock>>;

#[completion_routine]
fn read_next(irp: Completing<'_, Pair>) -> Signaled<'_> {
    let at = irp.irql();
    if let Ok(next) = Irp::allocate(irp.context().clone()) {
        let _ = next.read([0; 512], ByteOffset(0)).send_boxed(at);
    }
    irp.signal_if_pended()
}

fn main() {}
