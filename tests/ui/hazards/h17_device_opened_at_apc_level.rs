//! Opens a device in a function that only knows that it may wait.
use wdm_irp::irql::ApcLevel;
use wdm_irp::target::{DesiredAccess, OpenedDevice, device_name};
use wdm_irp::IrpError;

fn open(at: &ApcLevel) -> Result<OpenedDevice, IrpError> {
    let name = device_name(b"\\Device\\Harddisk0\\Partition0");
    // SAFETY: a disk of Windows' own.
    unsafe { OpenedDevice::open(&name, DesiredAccess::READ, at) }
}

fn main() {}
