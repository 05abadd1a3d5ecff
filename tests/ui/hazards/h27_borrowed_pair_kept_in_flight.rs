//! Keeps a request in flight with a pair that is borrowed, and may be gone before.
use wdm_irp::lock_storage::InExtension;
use wdm_irp::remove_lock::RemoveLock;
use wdm_irp::target::DevicePair;
use wdm_irp::{ByteOffset, Irp, IrpError, PassiveLevel};

fn start(pair: &DevicePair<InExtension<RemoveLock>>, at: &PassiveLevel) -> Result<(), IrpError> {
    let _sent = Irp::allocate(pair)?.read([0; 512], ByteOffset(0)).send_boxed(at)?;
    Ok(())
}

fn main() {}
