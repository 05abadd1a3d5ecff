//! What lower drivers answer, and with which data.

use wdm_irp::sys::{
    IRP_MJ_DEVICE_CONTROL, IRP_MJ_INTERNAL_DEVICE_CONTROL, IRP_MJ_READ, IRP_MJ_WRITE, NTSTATUS,
    STATUS_DRIVER_INTERNAL_ERROR, STATUS_PENDING, STATUS_SUCCESS,
};
use wdm_irp_sim::{LowerIrp, Parameters};

use crate::program::{Answer, STATUS_BUFFER_OVERFLOW};
use crate::shared::Errors;

/// Returns byte `index` of data that begins with `first`.
fn data_byte(first: u8, index: usize) -> u8 {
    first.wrapping_add(index.to_le_bytes()[0].wrapping_mul(3))
}

pub(crate) fn data(first: u8, length: usize) -> Vec<u8> {
    (0..length).map(|index| data_byte(first, index)).collect()
}

/// What is in a buffer for output before the driver writes to it.
pub(crate) const FRESH: u8 = 0xee;
/// What a device control makes of its input.
pub(crate) const MASK: u8 = 0x5a;

/// Returns the offset of a read or write: its first byte, and the answer that it asks for.
pub(crate) fn offset(first: u8, answer: usize) -> i64 {
    i64::try_from(answer << 8).expect("small") | i64::from(first)
}

/// Returns what the lower driver does: status, information, and the bytes of output that it writes.
pub(crate) fn respond(answer: Answer, full: usize) -> (NTSTATUS, usize, usize) {
    match answer {
        Answer::Transfer => (STATUS_SUCCESS, full, full),
        Answer::Half => (STATUS_BUFFER_OVERFLOW, full / 2, full / 2),
        Answer::Lie => (STATUS_SUCCESS, usize::MAX, 0),
        Answer::Pending => (STATUS_PENDING, 0, 0),
        Answer::Fail(status) => (status, 0, 0),
    }
}

/// Answers a request, as all lower drivers here do.
pub(crate) fn answer(irp: &LowerIrp, default: Answer, errors: &Errors) -> (NTSTATUS, usize) {
    let input = irp.input();
    let check = |first: Option<u8>| {
        let first = first.unwrap_or_default();
        errors.check(input == data(first, input.len()), || {
            format!("the driver got {input:?}, whose first byte should be {first}")
        });
    };
    let major = u32::from(irp.major());
    let (answer, output) = match irp.parameters() {
        Parameters::Transfer { byte_offset, .. } => {
            let [first, index, ..] = byte_offset.to_le_bytes();
            if major == IRP_MJ_WRITE {
                check(Some(first));
            } else {
                errors.check(major == IRP_MJ_READ, || format!("major {major}"));
            }
            let answer = Answer::ALL[usize::from(index)];
            let full = if major == IRP_MJ_WRITE {
                input.len()
            } else {
                irp.output_length()
            };
            let (status, information, written) = respond(answer, full);
            if major == IRP_MJ_READ {
                irp.write_output(&data(first, written));
            }
            return (status, information);
        }
        Parameters::Control { .. } => {
            check(input.first().copied());
            let known = [IRP_MJ_DEVICE_CONTROL, IRP_MJ_INTERNAL_DEVICE_CONTROL];
            errors.check(known.contains(&major), || format!("major {major}"));
            let output: Vec<u8> = input.iter().map(|byte| byte ^ MASK).collect();
            (default, output)
        }
        Parameters::Others(_) => (default, Vec::new()),
    };
    let full = output.len().min(irp.output_length());
    let (status, information, written) = respond(answer, full);
    irp.write_output(&output[..written]);
    (status, information)
}

/// Returns what the originator sees of a status.
pub(crate) const fn visible(status: NTSTATUS) -> NTSTATUS {
    if status == STATUS_PENDING {
        STATUS_DRIVER_INTERNAL_ERROR
    } else {
        status
    }
}
