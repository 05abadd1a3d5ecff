//! An IRP as the code of a modelled driver sees it.

use std::ffi::c_void;
use std::fmt;

use wdm_irp::sys::{
    DEVICE_OBJECT, DO_BUFFERED_IO, DO_DIRECT_IO, IRP, NTSTATUS, SL_INVOKE_ALWAYS,
    SL_PENDING_RETURNED, STATUS_PENDING, STATUS_SUCCESS, STATUS_UNSUCCESSFUL,
};

use crate::context;
use crate::device::{Device, DeviceShared, Ticket};
use crate::irp::{IrpAccess, LocationAccess};
use crate::irql;
use crate::machine::Inner;
use crate::mdl::MdlAccess;
use crate::names::major;
use crate::sync::{Arc, Duration, thread};
use crate::violation::ViolationKind;

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
    /// The IRQL of the dispatch routine.
    pub irql: u8,
    /// How many stack locations the IRP has.
    pub stack_count: i8,
    /// The number of the driver's location.
    pub location: i8,
    /// The bytes of a write, or of a device control's input.
    pub data: Vec<u8>,
}

/// Where the bytes of a request are.
#[derive(Clone, Copy)]
struct Span {
    start: *mut u8,
    length: usize,
}

impl Span {
    const NONE: Self = Self {
        start: std::ptr::null_mut(),
        length: 0,
    };
}

/// An IRP at a modelled driver, which owns it until it completes it, passes it on, or puts it aside.
///
/// Dropping it loses the IRP, as a buggy driver would; the machine reports it as leaked in flight.
///
/// # Invariants
/// `irp` is IRP `number` of `machine`, is at the driver of `device`, and its memory stays while `machine` does: the
/// ledger frees no IRP that is in flight.
pub struct LowerIrp {
    irp: *mut IRP,
    number: u32,
    machine: Arc<Inner>,
    device: Arc<DeviceShared>,
    done: bool,
}

// SAFETY: an IRP belongs to no thread, only to one driver at a time.
unsafe impl Send for LowerIrp {}

impl fmt::Debug for LowerIrp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LowerIrp")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

impl LowerIrp {
    /// # Safety
    /// By the type's invariant.
    pub(crate) unsafe fn new(
        machine: &Arc<Inner>,
        device: &Arc<DeviceShared>,
        irp: *mut IRP,
        number: u32,
    ) -> Self {
        // INVARIANT: by contract.
        Self {
            irp,
            number,
            machine: machine.clone(),
            device: device.clone(),
            done: false,
        }
    }

    pub(crate) fn access(&self) -> IrpAccess {
        // SAFETY: by the type's invariant.
        unsafe { IrpAccess::new(self.irp) }
    }

    pub(crate) fn machine(&self) -> Arc<Inner> {
        self.machine.clone()
    }

    pub(crate) fn device(&self) -> Arc<DeviceShared> {
        self.device.clone()
    }

    fn location(&self) -> LocationAccess {
        let access = self.access();
        access
            .location(access.current_location())
            .expect("the IRP is at a driver, so it has a current location")
    }

    /// The IRP, for raw calls.
    #[must_use]
    pub const fn as_ptr(&self) -> *mut IRP {
        self.irp
    }

    /// The number of the IRP in the timeline.
    #[must_use]
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// `IRP_MJ_…`
    #[must_use]
    pub fn major(&self) -> u8 {
        self.location().major()
    }

    /// `IRP_MN_…`
    #[must_use]
    pub fn minor(&self) -> u8 {
        self.location().minor()
    }

    /// The arguments.
    #[must_use]
    pub fn parameters(&self) -> Parameters {
        let location = self.location();
        match location.major() {
            major::READ | major::WRITE => {
                let read = location.read_parameters();
                Parameters::Transfer {
                    length: read.Length.0,
                    key: read.Key.0,
                    byte_offset: read.ByteOffset,
                }
            }
            major::CONTROL | major::INTERNAL_CONTROL => {
                let control = location.control_parameters();
                Parameters::Control {
                    output_length: control.OutputBufferLength.0,
                    input_length: control.InputBufferLength.0,
                    code: control.IoControlCode.0,
                    type3_input: control.Type3InputBuffer.addr(),
                }
            }
            _ => {
                let cells = self.arguments();
                Parameters::Others(cells.map(<*mut c_void>::addr))
            }
        }
    }

    /// The four argument cells of a request that is no read, write or device control, for which they are null.
    #[must_use]
    pub fn arguments(&self) -> [*mut c_void; 4] {
        let location = self.location();
        match location.major() {
            major::READ | major::WRITE | major::CONTROL | major::INTERNAL_CONTROL => {
                [std::ptr::null_mut(); 4]
            }
            _ => {
                let others = location.other_parameters();
                [
                    others.Argument1,
                    others.Argument2,
                    others.Argument3,
                    others.Argument4,
                ]
            }
        }
    }

    /// The control code of a device control, else 0.
    #[must_use]
    pub fn control_code(&self) -> u32 {
        match self.parameters() {
            Parameters::Control { code, .. } => code,
            _ => 0,
        }
    }

    /// How many bytes the driver may put into the output: of a read, or of a device control.
    #[must_use]
    pub fn output_length(&self) -> usize {
        match (self.major(), self.parameters()) {
            (major::READ, Parameters::Transfer { length, .. }) => length as usize,
            (_, Parameters::Control { output_length, .. }) => output_length as usize,
            _ => 0,
        }
    }

    /// How many bytes the driver gets: of a write, or of a device control's input.
    #[must_use]
    pub fn input_length(&self) -> usize {
        match (self.major(), self.parameters()) {
            (major::WRITE, Parameters::Transfer { length, .. }) => length as usize,
            (_, Parameters::Control { input_length, .. }) => input_length as usize,
            _ => 0,
        }
    }

    /// Whether the IRP was cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.access().is_cancelled()
    }

    fn is_control(&self) -> bool {
        matches!(self.major(), major::CONTROL | major::INTERNAL_CONTROL)
    }

    fn system_buffer(&self, length: usize) -> Span {
        Span {
            start: self.access().system_buffer().cast(),
            length,
        }
    }

    fn mdl(&self, length: usize) -> Span {
        let mdl = self.access().mdl();
        if mdl.is_null() || length == 0 {
            return Span {
                length,
                ..Span::NONE
            };
        }
        // SAFETY: the MDL of an IRP in flight is valid.
        let mdl = unsafe { MdlAccess::new(mdl) };
        if !mdl.is_resident() {
            self.machine.violate(
                ViolationKind::UnlockedPagesUsed,
                Some(self.number),
                "the driver maps an MDL whose pages are not locked",
            );
        }
        let described = mdl.byte_count() as usize;
        if described < length {
            self.machine.violate(
                ViolationKind::BufferMissing,
                Some(self.number),
                &format!("a request for {length} bytes carries an MDL of {described} bytes"),
            );
        }
        Span {
            start: mdl.system_address(),
            length: length.min(described),
        }
    }

    /// Where the output of the request goes.
    fn output_span(&self) -> Span {
        let length = self.output_length();
        if self.is_control() {
            match self.control_code() & 3 {
                0 => self.system_buffer(length),
                1 | 2 => self.mdl(length),
                _ => Span {
                    start: self.access().user_buffer().cast(),
                    length,
                },
            }
        } else {
            self.transfer_span(length)
        }
    }

    /// Where the input of the request is.
    fn input_span(&self) -> Span {
        let length = self.input_length();
        if !self.is_control() {
            return self.transfer_span(length);
        }
        if self.control_code() & 3 == 3 {
            Span {
                start: self.location().control_parameters().Type3InputBuffer.cast(),
                length,
            }
        } else {
            self.system_buffer(length)
        }
    }

    /// Where the bytes of a read or write are, by the device's I/O method.
    fn transfer_span(&self, length: usize) -> Span {
        let flags = self.device.flags();
        if flags & DO_BUFFERED_IO != 0 {
            self.system_buffer(length)
        } else if flags & DO_DIRECT_IO != 0 {
            self.mdl(length)
        } else {
            Span {
                start: self.access().user_buffer().cast(),
                length,
            }
        }
    }

    /// Checks that there is memory to copy from or to.
    fn usable(&self, span: Span) -> Span {
        if span.length == 0 || self.machine.is_doomed(self.number) {
            return Span::NONE;
        }
        if span.start.is_null() {
            self.machine.violate(
                ViolationKind::BufferMissing,
                Some(self.number),
                &format!("a request for {} bytes carries no buffer", span.length),
            );
            return Span::NONE;
        }
        span
    }

    /// A copy of the input: what a write writes, or what a device control is given.
    #[must_use]
    pub fn input(&self) -> Vec<u8> {
        let span = self.usable(self.input_span());
        let mut bytes = vec![0; span.length];
        if span.length > 0 {
            let to = bytes.as_mut_ptr();
            // SAFETY: the originator vouches for this many bytes until the IRP is completed, and this driver has it.
            unsafe { span.start.copy_to_nonoverlapping(to, span.length) };
        }
        bytes
    }

    /// Copies bytes into the output, as many as fit, and returns how many.
    #[expect(clippy::must_use_candidate, reason = "called for its effect")]
    pub fn write_output(&self, bytes: &[u8]) -> usize {
        let span = self.usable(self.output_span());
        let length = span.length.min(bytes.len());
        if length > 0 {
            // SAFETY: the originator vouches for this many bytes until the IRP is completed, and this driver has it.
            unsafe { span.start.copy_from_nonoverlapping(bytes.as_ptr(), length) };
        }
        length
    }

    /// What [`Behavior::transfer`](crate::Behavior::transfer) answers a read with: bytes that count up from the low
    /// byte of the offset.
    #[must_use]
    pub fn read_pattern(&self) -> Vec<u8> {
        let first = match self.parameters() {
            Parameters::Transfer { byte_offset, .. } => byte_offset.to_le_bytes()[0],
            _ => 0,
        };
        (0..self.output_length())
            .map(|index| first.wrapping_add(index.to_le_bytes()[0]))
            .collect()
    }

    /// The request as it is now.
    pub(crate) fn receive(&self) -> Received {
        let access = self.access();
        let location = self.location();
        Received {
            irp: self.number,
            major: location.major(),
            minor: location.minor(),
            flags: location.flags(),
            control: location.control(),
            parameters: self.parameters(),
            irql: irql::current(),
            stack_count: access.stack_count(),
            location: access.current_location(),
            data: self.input(),
        }
    }

    /// `IoMarkIrpPending`
    pub fn mark_pending(&self) {
        let location = self.location();
        location.set_control(location.control() | SL_PENDING_RETURNED);
        self.machine.note(Some(self.number), "IoMarkIrpPending");
    }

    /// Sets `Irp->IoStatus` and calls `IoCompleteRequest`. Returns the status, for the dispatch routine.
    #[expect(clippy::must_use_candidate, reason = "called for its effect")]
    pub fn complete(mut self, status: NTSTATUS, information: usize) -> NTSTATUS {
        self.done = true;
        self.access().set_status(status, information);
        // The test's thread may do this for the driver.
        let _busy = context::enter_routine(&self.machine, self.number, self.device.lane(), false);
        // SAFETY: the IRP is at this driver by the type's invariant, and not touched any more.
        unsafe { self.machine.complete(self.irp) };
        status
    }

    /// Puts the IRP aside, to be taken back by [`Device::take`] or completed by [`Device::complete_next`]. If
    /// `cancelable`, a cancel routine is set, and may complete it at any time. Mark it pending before.
    #[expect(clippy::must_use_candidate, reason = "called for its effect")]
    pub fn hold(self, cancelable: bool) -> Ticket {
        let device = self.device();
        device.hold(self, cancelable)
    }

    /// Marks the IRP pending, and completes it on another thread at `DISPATCH_LEVEL` after a delay. Returns
    /// `STATUS_PENDING`, for the dispatch routine.
    #[expect(clippy::must_use_candidate, reason = "called for its effect")]
    pub fn complete_after(self, delay: Duration, status: NTSTATUS, information: usize) -> NTSTATUS {
        self.mark_pending();
        let device = self.device();
        let machine = self.machine();
        machine.spawn_worker(&device, move || {
            thread::sleep(delay);
            let _raised = irql::raise(wdm_irp::sys::DISPATCH_LEVEL);
            self.complete(status, information);
        });
        STATUS_PENDING
    }

    /// Passes the IRP on to a lower device as a filter driver does: copies the location to the next one, sets a
    /// completion routine that propagates the pending mark, and calls the driver. Returns its status.
    pub fn forward(mut self, lower: &Device) -> NTSTATUS {
        self.done = true;
        let access = self.access();
        if let Some(next) = access.location(access.current_location() - 1) {
            self.location().copy_to_next(next);
            next.set_routine(Some(propagate_pending), std::ptr::null_mut());
            next.set_control(SL_INVOKE_ALWAYS);
        }
        let _busy = context::enter_routine(&self.machine, self.number, self.device.lane(), false);
        // SAFETY: the IRP is at this driver, and not touched any more; its next location is filled in, if it exists.
        unsafe { self.machine.call_driver(lower.as_ptr(), self.irp) }
    }

    /// Forgets the IRP: the machine has ended.
    pub(crate) fn abandon(mut self) {
        self.done = true;
    }
}

impl Drop for LowerIrp {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        self.done = true;
        if thread::panicking() {
            // The code of the driver panicked: do not let the originator hang, too.
            self.access().set_status(STATUS_UNSUCCESSFUL, 0);
            // SAFETY: the IRP is at this driver by the type's invariant, and not touched any more.
            unsafe { self.machine.complete(self.irp) };
        } else {
            self.machine.note(
                Some(self.number),
                "the driver has lost the IRP without completing it",
            );
        }
    }
}

/// The completion routine of a filter driver.
///
/// # Safety
/// As the I/O manager calls it.
unsafe extern "system" fn propagate_pending(
    _device: *mut DEVICE_OBJECT,
    irp: *mut IRP,
    _context: *mut c_void,
) -> NTSTATUS {
    // SAFETY: the IRP is with this routine until it returns.
    if unsafe { wdm_irp::sys::irp_pending_returned(irp) } {
        // SAFETY: this driver has a location, whose copy it has passed on.
        unsafe { wdm_irp::sys::IoMarkIrpPending(irp) };
    }
    STATUS_SUCCESS
}
