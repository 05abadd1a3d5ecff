//! The requests to the control device, on which a program asks for the cases.

use core::fmt::Write;
use core::ptr::null_mut;
use core::slice;
use core::sync::atomic::{AtomicBool, Ordering};

use wdm_irp::sys::irp::{Irp, StackLocation};
use wdm_irp::sys::{
    IRP, IRP_MJ_DEVICE_CONTROL, IRP_MJ_READ, IoGetCurrentIrpStackLocation, NTSTATUS,
    STATUS_DEVICE_BUSY, STATUS_INVALID_DEVICE_REQUEST, STATUS_SUCCESS,
};
use wdm_irp_conformance::SCENARIOS;

use super::answer::{Answer, STATUS_BUFFER_TOO_SMALL};
use super::cases::run_case;
use super::conformance::PREFIX;
use super::ntoskrnl::{IRP_MJ_CLOSE, IRP_MJ_CREATE};
use super::standins::OPENED;
use crate::protocol::{LIST, RUN};
use crate::requests::CASES;

/// Whether a case is running; the cases share the lower devices and the fault injection.
static RUNNING: AtomicBool = AtomicBool::new(false);

/// Answers a request to the control device.
///
/// # Safety
/// `irp` is at the control device.
pub(super) unsafe fn control(irp: *mut IRP) -> (NTSTATUS, usize) {
    // SAFETY: an IRP at a driver has a current stack location.
    let location = unsafe { IoGetCurrentIrpStackLocation(irp) };
    // SAFETY: the location is this driver's as the IRP is, and the I/O manager has filled it in.
    let location = unsafe { StackLocation::new(location) };
    match u32::from(location.major_function()) {
        IRP_MJ_CREATE | IRP_MJ_CLOSE => return (STATUS_SUCCESS, 0),
        // SAFETY: by contract.
        IRP_MJ_READ => return unsafe { answer_with_file_object(irp, location) },
        IRP_MJ_DEVICE_CONTROL => {}
        _ => return (STATUS_INVALID_DEVICE_REQUEST, 0),
    }
    let parameters = location.device_control_parameters();
    // SAFETY: an IRP at a driver is allocated and that driver's (contract).
    let buffer = unsafe { Irp::new(irp) }.system_buffer().cast::<u8>();
    if buffer.is_null() {
        return (STATUS_BUFFER_TOO_SMALL, 0);
    }
    let (input, output) = (
        parameters.InputBufferLength.0 as usize,
        parameters.OutputBufferLength.0 as usize,
    );
    // The I/O manager has written the input only.
    if let Some(unwritten) = output.checked_sub(input) {
        // SAFETY: both codes are METHOD_BUFFERED, for which the system buffer is as long as the
        // longer of input and output; so it has `input` bytes.
        let unwritten_part = unsafe { buffer.add(input) };
        // SAFETY: it has `output` bytes, too, for the same reason. It is this driver's.
        unsafe { unwritten_part.write_bytes(0, unwritten) };
    }
    // SAFETY: the longer of both lengths, all of it initialized: the input by the I/O manager, the
    // rest above. It is this driver's until the request completes, which is after the last use.
    let buffer = unsafe { slice::from_raw_parts_mut(buffer, input.max(output)) };

    let case = buffer[..input]
        .first_chunk()
        .copied()
        .map(u32::from_le_bytes);
    let (text, scratch) = buffer[..output].split_at_mut(output / 2);
    let mut answer = Answer { text, bytes: 0 };
    let result = match parameters.IoControlCode.0 {
        LIST => list(&mut answer),
        RUN if RUNNING.swap(true, Ordering::AcqRel) => Err(STATUS_DEVICE_BUSY),
        RUN => {
            OPENED.store(location.file_object(), Ordering::Release);
            let result = run_case(case, scratch, &mut answer);
            OPENED.store(null_mut(), Ordering::Release);
            RUNNING.store(false, Ordering::Release);
            result
        }
        _ => Err(STATUS_INVALID_DEVICE_REQUEST),
    };
    match result {
        Ok(()) => (STATUS_SUCCESS, answer.bytes),
        Err(status) => (status, 0),
    }
}

/// Answers a read with the address of the file object that the request carries.
///
/// # Safety
/// `irp` is at the control device, and `location` is its current stack location, of a read.
unsafe fn answer_with_file_object(irp: *mut IRP, location: StackLocation) -> (NTSTATUS, usize) {
    let address = location.file_object().addr().to_le_bytes();
    // SAFETY: an IRP at a driver is allocated and that driver's (contract).
    let buffer = unsafe { Irp::new(irp) }.system_buffer().cast::<u8>();
    if buffer.is_null() || (location.read_parameters().Length.0 as usize) < address.len() {
        return (STATUS_BUFFER_TOO_SMALL, 0);
    }
    // SAFETY: the device has `DO_BUFFERED_IO`, so the buffer has the length of the read.
    unsafe { buffer.cast::<[u8; size_of::<usize>()]>().write(address) };
    (STATUS_SUCCESS, address.len())
}

/// Lists the names of all cases, one line each; the scenarios of the conformance script come last.
fn list(answer: &mut Answer<'_>) -> Result<(), NTSTATUS> {
    CASES
        .iter()
        .try_for_each(|(name, _)| writeln!(answer, "{name}"))
        .and_then(|()| {
            SCENARIOS
                .iter()
                .try_for_each(|scenario| writeln!(answer, "{PREFIX}{}", scenario.name()))
        })
        .map_err(|_| STATUS_BUFFER_TOO_SMALL)
}
