//! Sends a request of a pair without a lock from a slot for pairs that hold one.
use wdm_irp::in_flight::Slot;
use wdm_irp::lock_storage::InExtension;
use wdm_irp::remove_lock::RemoveLock;
use wdm_irp::routine::SignalIfPended;
use wdm_irp::target::{DevicePair, Unlocked};
use wdm_irp::{ByteOffset, Irp, IrpError, PassiveLevel};

static SLOT: Slot<SignalIfPended, [u8; 512], DevicePair<InExtension<RemoveLock>>> = Slot::new();

fn start(pair: DevicePair<Unlocked>, at: &PassiveLevel) -> Result<(), IrpError> {
    let _sent = Irp::allocate(pair)?.read([0; 512], ByteOffset(0)).send_in(&SLOT, at)?;
    Ok(())
}

fn main() {}
