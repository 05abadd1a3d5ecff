//! The data of a request.

use core::ptr::copy_nonoverlapping;
use core::slice;

use wdm_irp::sys::{
    DEVICE_OBJECT, IRP, IRP_MJ_DEVICE_CONTROL, IRP_MJ_INTERNAL_DEVICE_CONTROL, IRP_MJ_READ,
    IRP_MJ_WRITE, IoGetCurrentIrpStackLocation, NTSTATUS, STATUS_INSUFFICIENT_RESOURCES,
    STATUS_SUCCESS, irp_system_buffer,
};

use super::buffer::{METHOD_NEITHER, data_buffer};

/// `STATUS_DATA_ERROR`
const STATUS_DATA_ERROR: NTSTATUS = 0xC000_003E_u32.cast_signed();

/// Copies this device's stack location to the output buffer, byte by byte up to the end of its parameters.
///
/// The bytes are counted, not named: this is what a driver compiled from C reads.
///
/// # Safety
/// As for [`dispatch`].
pub(super) unsafe fn record(device: *mut DEVICE_OBJECT, irp: *mut IRP) -> usize {
    /// Behind `Parameters` (abi/wdm-x64.tsv: it begins at 8 and has four cells of eight bytes).
    const BYTES: usize = 40;
    /// `Parameters.Read.Length` and `Parameters.DeviceIoControl.OutputBufferLength`.
    const LENGTH: usize = 8;

    // SAFETY: the IRP is at this device.
    let location = unsafe { IoGetCurrentIrpStackLocation(irp) };
    // SAFETY: within the location.
    let length = unsafe { location.byte_add(LENGTH) }.cast::<u32>();
    // SAFETY: as above, aligned to eight.
    let length = unsafe { length.read() } as usize;
    // SAFETY: by contract.
    let output = unsafe { data_buffer(device, irp) };
    let bytes = length.min(BYTES);
    if output.is_null() {
        return 0;
    }
    // SAFETY: the sender's buffer has `length` bytes; the location has 72.
    unsafe { copy_nonoverlapping(location.cast(), output, bytes) };
    bytes
}

/// Moves the data of a request.
///
/// A read gets bytes that count up from its offset; a write must bring the same. A device control request gets as much of
/// its input as its output has room for, every bit inverted.
///
/// # Safety
/// As for [`dispatch`].
pub(super) unsafe fn transfer(device: *mut DEVICE_OBJECT, irp: *mut IRP) -> (NTSTATUS, usize) {
    // SAFETY: the IRP is at this device.
    let location = unsafe { IoGetCurrentIrpStackLocation(irp) };
    // SAFETY: a copy of plain data of a valid location.
    let location = unsafe { location.read() };
    let major = u32::from(location.MajorFunction);
    if major == IRP_MJ_DEVICE_CONTROL || major == IRP_MJ_INTERNAL_DEVICE_CONTROL {
        // SAFETY: by contract.
        return (STATUS_SUCCESS, unsafe { invert(device, irp) });
    }
    if major != IRP_MJ_READ && major != IRP_MJ_WRITE {
        return (STATUS_SUCCESS, 0);
    }
    // SAFETY: this is the member for these requests.
    let parameters = unsafe { location.Parameters.Read };
    let length = parameters.Length.0 as usize;
    // SAFETY: by contract.
    let data = unsafe { data_buffer(device, irp) };
    if data.is_null() {
        return (STATUS_INSUFFICIENT_RESOURCES, 0);
    }
    // SAFETY: the buffer of the request has `length` bytes, and is this device's until the request completes.
    let data = unsafe { slice::from_raw_parts_mut(data, length) };
    let [mut counter, ..] = parameters.ByteOffset.to_le_bytes();
    for byte in data {
        if major == IRP_MJ_READ {
            *byte = counter;
        } else if *byte != counter {
            return (STATUS_DATA_ERROR, 0);
        }
        counter = counter.wrapping_add(1);
    }
    (STATUS_SUCCESS, length)
}

/// [`transfer`] for a device control request: how many bytes it has put into the output.
///
/// # Safety
/// As for [`dispatch`]; the request is a device control request.
unsafe fn invert(device: *mut DEVICE_OBJECT, irp: *mut IRP) -> usize {
    // SAFETY: the IRP is at this device.
    let location = unsafe { IoGetCurrentIrpStackLocation(irp) };
    // SAFETY: a copy of plain data of a valid location.
    let location = unsafe { location.read() };
    // SAFETY: this is the member for this request.
    let parameters = unsafe { location.Parameters.DeviceIoControl };
    let input = if parameters.IoControlCode.0 & METHOD_NEITHER == METHOD_NEITHER {
        parameters.Type3InputBuffer
    } else {
        // SAFETY: the IRP is at this device.
        let cell = unsafe { irp_system_buffer(irp) };
        // SAFETY: a field of a valid IRP.
        unsafe { cell.read() }
    };
    let input: *const u8 = input.cast_const().cast();
    // SAFETY: by contract.
    let output = unsafe { data_buffer(device, irp) };
    if input.is_null() || output.is_null() {
        return 0;
    }
    let (in_length, out_length) = (
        parameters.InputBufferLength.0,
        parameters.OutputBufferLength.0,
    );
    let length = in_length.min(out_length) as usize;
    // No slices: for METHOD_BUFFERED both are the same memory.
    for index in 0..length {
        // SAFETY: within the input.
        let from = unsafe { input.add(index) };
        // SAFETY: as above; the memory is this device's until the request completes.
        let byte = unsafe { from.read() };
        // SAFETY: within the output.
        let to = unsafe { output.add(index) };
        // SAFETY: as for the input.
        unsafe { to.write(!byte) };
    }
    length
}
