//! Major functions: their codes, as the bytes they are in a stack location, and their arguments.

use std::fmt::Write as _;

use wdm_irp::sys::irp::StackLocation;
use wdm_irp::sys::{self, APC_LEVEL, DISPATCH_LEVEL};

pub(crate) const READ: u8 = sys::IRP_MJ_READ.to_le_bytes()[0];
pub(crate) const WRITE: u8 = sys::IRP_MJ_WRITE.to_le_bytes()[0];
pub(crate) const CONTROL: u8 = sys::IRP_MJ_DEVICE_CONTROL.to_le_bytes()[0];
pub(crate) const INTERNAL_CONTROL: u8 = sys::IRP_MJ_INTERNAL_DEVICE_CONTROL.to_le_bytes()[0];
pub(crate) const POWER: u8 = 0x16;

/// Returns the highest IRQL at which a request may be sent.
pub(super) fn highest_irql(major: u8) -> u8 {
    match major {
        READ | WRITE | CONTROL | INTERNAL_CONTROL | POWER => DISPATCH_LEVEL,
        // PASSIVE_LEVEL, but for paging I/O, which the model does not have: APC_LEVEL is not worth
        // a bug check.
        _ => APC_LEVEL,
    }
}

/// Describes the arguments of a request, for the timeline.
pub(super) fn describe_arguments(location: StackLocation) -> String {
    let mut text = String::new();
    match location.major_function() {
        READ | WRITE => {
            let read = location.read_parameters();
            let _ = write!(
                text,
                " (Length {}, ByteOffset {})",
                read.Length.0, read.ByteOffset
            );
        }
        CONTROL | INTERNAL_CONTROL => {
            let control = location.device_control_parameters();
            let _ = write!(
                text,
                " (IoControlCode 0x{:X}, in {}, out {})",
                control.IoControlCode.0, control.InputBufferLength.0, control.OutputBufferLength.0
            );
        }
        _ if location.minor_function() != 0 => {
            let _ = write!(text, " (minor 0x{:02X})", location.minor_function());
        }
        _ => {}
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::names::major_name;

    #[test]
    fn codes_are_those_of_the_names() {
        for (code, name) in [
            (READ, "IRP_MJ_READ"),
            (WRITE, "IRP_MJ_WRITE"),
            (CONTROL, "IRP_MJ_DEVICE_CONTROL"),
            (INTERNAL_CONTROL, "IRP_MJ_INTERNAL_DEVICE_CONTROL"),
            (POWER, "IRP_MJ_POWER"),
        ] {
            assert_eq!(major_name(code), name);
        }
    }
}
