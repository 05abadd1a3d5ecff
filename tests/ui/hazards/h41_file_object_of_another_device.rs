//! Sends to one device with the file object of another.
use wdm_irp::target::OpenedDevice;

fn mix(disk: OpenedDevice, tape: OpenedDevice) -> OpenedDevice {
    OpenedDevice { file: tape.file, ..disk }
}

fn main() {}
