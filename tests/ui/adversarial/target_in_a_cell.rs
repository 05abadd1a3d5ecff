//! Allocates IRPs for targets that could be exchanged while an IRP is in flight.
use core::cell::RefCell;

use wdm_irp::irql::PassiveOnly;
use wdm_irp::target::{OpenedDevice, Target};
use wdm_irp::{Irp, IrpError, TargetDevice};

fn in_a_cell(disk: RefCell<TargetDevice>) -> Result<(), IrpError> {
    let _irp = Irp::allocate(disk)?;
    Ok(())
}

fn exclusive(disk: &mut OpenedDevice) -> Result<(), IrpError> {
    let _irp = Irp::allocate(disk)?;
    Ok(())
}

fn dynamic(disk: &dyn Target<Irql = PassiveOnly, Held = ()>) -> Result<(), IrpError> {
    let _irp = Irp::allocate(disk)?;
    Ok(())
}

fn main() {}
