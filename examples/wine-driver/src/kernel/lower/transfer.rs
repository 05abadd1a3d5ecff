//! The data that a request moves.

use core::ptr::copy_nonoverlapping;
use core::slice;

use wdm_irp::sys::{
    IRP_MJ_READ, IRP_MJ_WRITE, NTSTATUS, STATUS_INSUFFICIENT_RESOURCES, STATUS_SUCCESS,
};

use super::request::{METHOD_NEITHER, Request};

/// `STATUS_DATA_ERROR`
const STATUS_DATA_ERROR: NTSTATUS = 0xC000_003E_u32.cast_signed();

impl Request {
    /// Moves the data of the request, and returns the status and the information for it.
    ///
    /// A read gets bytes that count up from its offset; a write must bring the same. A device
    /// control request gets as much of its input as its output has room for, every bit inverted.
    pub(super) fn transfer(&self) -> (NTSTATUS, usize) {
        if self.is_device_control() {
            return (STATUS_SUCCESS, self.invert());
        }
        let major = self.major();
        if major != IRP_MJ_READ && major != IRP_MJ_WRITE {
            return (STATUS_SUCCESS, 0);
        }
        let parameters = self.location.read_parameters();
        let length = parameters.Length.0 as usize;
        let data = self.data();
        if data.is_null() {
            return (STATUS_INSUFFICIENT_RESOURCES, 0);
        }
        // SAFETY: the sender's buffer has `length` initialized bytes, and is this device's until
        // the request completes (invariants of `Request`).
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

    /// Answers a device control request, and returns how many bytes it has put into the output.
    fn invert(&self) -> usize {
        let parameters = self.location.device_control_parameters();
        let input = if parameters.IoControlCode.0 & METHOD_NEITHER == METHOD_NEITHER {
            parameters.Type3InputBuffer
        } else {
            self.irp.system_buffer()
        };
        let input: *const u8 = input.cast_const().cast();
        let output = self.data();
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
            // SAFETY: `index` is less than the length of the input.
            let from = unsafe { input.add(index) };
            // SAFETY: the input is initialized, and this device's until the request completes.
            let byte = unsafe { from.read() };
            // SAFETY: `index` is less than the length of the output.
            let to = unsafe { output.add(index) };
            // SAFETY: the output is this device's until the request completes.
            unsafe { to.write(!byte) };
        }
        length
    }

    /// Copies the stack location, up to the end of its parameters, and returns how many bytes.
    ///
    /// The bytes are counted, not named: this is what a driver compiled from C reads.
    pub(super) fn record(&self) -> usize {
        /// Behind `Parameters` (abi/wdm-x64.tsv: it begins at 8 and has four cells of eight bytes).
        const BYTES: usize = 40;
        /// `Parameters.Read.Length` and `Parameters.DeviceIoControl.OutputBufferLength`.
        const LENGTH: usize = 8;

        let location = self.location.as_ptr();
        // SAFETY: a location has 72 bytes, so this is in bounds.
        let length = unsafe { location.byte_add(LENGTH) }.cast::<u32>();
        // SAFETY: the location is this device's and filled in (invariant 1); locations are aligned
        // to eight.
        let length = unsafe { length.read() } as usize;
        let output = self.data();
        let bytes = length.min(BYTES);
        if output.is_null() {
            return 0;
        }
        // SAFETY: the sender's buffer has `length` bytes, the location 72; they do not overlap, as
        // the buffer is not part of the IRP.
        unsafe { copy_nonoverlapping(location.cast(), output, bytes) };
        bytes
    }
}
