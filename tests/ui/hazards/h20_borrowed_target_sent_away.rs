//! Sends requests that outlive the call to a target that is borrowed.
use wdm_irp::in_flight::Slot;
use wdm_irp::routine::SignalIfPended;
use wdm_irp::{ByteOffset, Irp, IrpError, PassiveLevel, TargetDevice};

static SLOT: Slot<SignalIfPended, [u8; 8], &'static TargetDevice> = Slot::new();

fn in_static(disk: &'static TargetDevice, at: &PassiveLevel) -> Result<(), IrpError> {
    drop(Irp::allocate(disk)?.read([0; 8], ByteOffset(0)).send_in(&SLOT, at)?);
    Ok(())
}

fn boxed(disk: &TargetDevice, at: &PassiveLevel) -> Result<(), IrpError> {
    drop(Irp::allocate(disk)?.read([0; 8], ByteOffset(0)).send_boxed(at)?);
    Ok(())
}

fn cancellable(disk: &TargetDevice, at: &PassiveLevel) -> Result<(), IrpError> {
    drop(Irp::allocate(disk)?.read([0; 8], ByteOffset(0)).send_cancellable(at)?);
    Ok(())
}

fn main() {}
