//! A request as numbers: what a modeled driver remembers of it.

/// The arguments of a request, as numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parameters {
    /// `Parameters.Read` or `Parameters.Write`
    Transfer {
        /// Bytes to transfer.
        length: u32,
        /// For byte-range locks.
        key: u32,
        /// Where the transfer begins.
        byte_offset: i64,
    },
    /// `Parameters.DeviceIoControl`
    Control {
        /// Bytes of the output buffer.
        output_length: u32,
        /// Bytes of the input buffer.
        input_length: u32,
        /// The control code.
        code: u32,
        /// The address of the input buffer of a `METHOD_NEITHER` request.
        type3_input: usize,
    },
    /// `Parameters.Others`: the cells as addresses.
    Others([usize; 4]),
}

/// A request that a driver has received, as it was at that moment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Received {
    /// The number of the IRP.
    pub irp: u32,
    /// `IRP_MJ_…`
    pub major: u8,
    /// `IRP_MN_…`
    pub minor: u8,
    /// `SL_…` flags of the request.
    pub flags: u8,
    /// `SL_INVOKE_ON_…` and `SL_PENDING_RETURNED`
    pub control: u8,
    /// The arguments.
    pub parameters: Parameters,
    /// The address of the file object; 0 if there is none.
    pub file_object: usize,
    /// The IRQL of the dispatch routine.
    pub irql: u8,
    /// How many stack locations the IRP has.
    pub stack_count: i8,
    /// The number of the driver's location.
    pub location: i8,
    /// The bytes of a write, or of a device control's input.
    pub data: Vec<u8>,
}
