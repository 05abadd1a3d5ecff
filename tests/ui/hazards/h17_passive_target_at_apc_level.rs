//! Sends at APC_LEVEL to a device opened by its name, whose drivers take requests at PASSIVE_LEVEL.
use wdm_irp::irql::ApcLevel;
use wdm_irp::target::OpenedDevice;
use wdm_irp::{ByteOffset, Irp, IrpError, Timeout};

fn read(disk: &OpenedDevice, at: &ApcLevel) -> Result<usize, IrpError> {
    let read = Irp::allocate(disk)?.read([0; 512], ByteOffset(0));
    Ok(read.send_and_wait(at, Timeout::seconds(5))?.information())
}

fn main() {}
