//! Allocates an IRP for the pointer that IoAttachDeviceToDeviceStack has returned.
use wdm_irp::sys::DEVICE_OBJECT;
use wdm_irp::{Irp, IrpError};

fn allocate(lower: *mut DEVICE_OBJECT) -> Result<(), IrpError> {
    let _irp = Irp::allocate(lower)?;
    Ok(())
}

fn main() {}
