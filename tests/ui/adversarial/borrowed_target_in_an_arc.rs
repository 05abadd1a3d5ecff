//! Hides a borrowed target in pointers that own something, for requests that outlive the call.
use std::sync::Arc;

use wdm_irp::in_flight::Slot;
use wdm_irp::routine::SignalIfPended;
use wdm_irp::{ByteOffset, Irp, IrpError, PassiveLevel, TargetDevice};

static SLOT: Slot<SignalIfPended, [u8; 8], Box<&'static TargetDevice>> = Slot::new();

fn in_an_arc(disk: &TargetDevice, at: &PassiveLevel) -> Result<(), IrpError> {
    let _sent = Irp::allocate(Arc::new(disk))?.read([0; 8], ByteOffset(0)).send_boxed(at)?;
    Ok(())
}

fn leaked(at: &PassiveLevel, disk: &'static TargetDevice) -> Result<(), IrpError> {
    let _sent = Irp::allocate(Box::new(disk))?.read([0; 8], ByteOffset(0)).send_in(&SLOT, at)?;
    Ok(())
}

fn main() {}
