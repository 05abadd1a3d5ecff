//! What a driver does with wdm-irp, as test cases: no `unsafe`, and nothing but the public API.
//!
//! Each case sends requests to a lower device that treats them in one particular way, and checks what comes back. The
//! cases neither know nor care whether a kernel or the host model is below them.
#![forbid(unsafe_code)]

use core::fmt;
use core::mem;

use wdm_irp::PendingReturned::{Inline, Pended};
use wdm_irp::sys::{
    IRP_MJ_DEVICE_CONTROL, IRP_MJ_READ, NTSTATUS, STATUS_CANCELLED, STATUS_DEVICE_BUSY,
    STATUS_INSUFFICIENT_RESOURCES, STATUS_SUCCESS,
};
use wdm_irp::{
    Buffered, ByteOffset, Completed, Completing, CompletionRoutine, ControlCode, Irp, IrpError,
    Neither, NotSent, OutDirect, OwnDevice, PassiveLevel, PnpMinor, SendError, Sent, Signaled,
    Slot, SystemBuffer, TargetDevice, Timeout, completion_routine,
};

use crate::codes::{BUFFERED, NEITHER, OUT_DIRECT};

/// `STATUS_DATA_ERROR`: what a lower device makes of a write that does not carry the expected bytes.
pub const STATUS_DATA_ERROR: NTSTATUS = 0xC000_003E_u32.cast_signed();

/// Long enough for everything that is meant to complete by itself.
const SOON: Timeout = Timeout::seconds(5);

/// What is below the driver.
pub trait Kernel {
    /// Makes the next `IoAllocateIrp` return NULL.
    fn fail_next_allocation(&self);

    /// How many IRPs are allocated and not freed.
    fn allocated(&self) -> isize;

    /// Whether `PendingReturned` is set when [`Devices::forward`] has forwarded a pended request.
    ///
    /// Windows carries the mark through a stack location without completion routine. Wine does not: there the driver
    /// sees `STATUS_PENDING` and `PendingReturned` clear, which the rules do not provide for (hazard H23).
    fn forwards_pending_returned(&self) -> bool;
}

/// The lower devices, by what they do.
///
/// A read answers with bytes that count up from the low byte of its offset, a write must bring the same. A device control
/// request gets as many bytes of its input back as its output has room for, all bits inverted.
#[expect(
    missing_docs,
    reason = "see `kernel::lower::Behavior`; the names are the same"
)]
pub struct Devices<'a> {
    pub inline: &'a TargetDevice,
    pub inline_direct: &'a TargetDevice,
    pub busy: &'a TargetDevice,
    pub pend: &'a TargetDevice,
    pub pend_direct: &'a TargetDevice,
    pub slow: &'a TargetDevice,
    pub until_cancelled: &'a TargetDevice,
    pub forward: &'a TargetDevice,
    pub record: &'a TargetDevice,
    pub mark_and_return_success: &'a TargetDevice,
    pub return_success_and_complete: &'a TargetDevice,
    /// Its stack has 127 locations, as many as its type can say; it gets no requests.
    pub deep: &'a TargetDevice,
    /// The driver's own device.
    pub own: &'a OwnDevice,
}

/// One case.
pub type Case = fn(&Devices<'_>, &PassiveLevel, &dyn Kernel) -> Result<(), Failure>;

macro_rules! cases {
    ($($name:ident)*) => {
        /// Every case, by name.
        pub const CASES: &[(&str, Case)] = &[$((stringify!($name), $name)),*];
    };
}

cases! {
    inline_completion
    inline_error
    inline_write
    pended_completion
    pended_write
    many_rounds
    timeout_cancels
    timeout_of_what_cannot_be_cancelled
    cancelled_on_demand
    dropped_in_flight
    leaked_in_flight
    static_slot
    pended_without_pending_returned
    marked_pending_but_returned_success
    returned_success_but_completes_later
    read_parameters
    ioctl_buffered_parameters
    ioctl_neither_parameters
    ioctl_data
    ioctl_direct_data
    direct_read
    flush_shutdown_pnp
    own_stack_location
    allocation_failure
    stack_too_deep
}

/// Runs a case, and checks that it has freed every IRP it has allocated.
///
/// # Errors
/// What was not as it must be.
pub fn run(
    case: Case,
    devices: &Devices<'_>,
    at: &PassiveLevel,
    kernel: &dyn Kernel,
) -> Result<(), Failure> {
    let before = kernel.allocated();
    case(devices, at, kernel)?;
    same("allocated IRPs", kernel.allocated(), before)
}

/// What the completion routine saw.
#[derive(Debug, Default)]
struct Seen {
    calls: u32,
    status: NTSTATUS,
    information: usize,
    pended: bool,
    device: usize,
}

#[completion_routine]
fn note(mut irp: Completing<'_, Seen>) -> Signaled<'_> {
    let (status, information) = (irp.status(), irp.information());
    let device = irp.device_object().addr();
    let seen = irp.context_mut();
    seen.calls += 1;
    seen.status = status;
    seen.information = information;
    seen.device = device;
    match irp.pending_returned() {
        Pended(mut irp) => {
            irp.context_mut().pended = true;
            irp.signal()
        }
        Inline(irp) => irp.finish(),
    }
}

fn inline_completion(on: &Devices<'_>, at: &PassiveLevel, _: &dyn Kernel) -> Result<(), Failure> {
    let mut sector = [0; 512];
    let done = read(on.inline, &mut sector, 7, at)?;
    done.check(STATUS_SUCCESS, 512, false)?;
    counts_up("data", &sector, 7)
}

fn inline_error(on: &Devices<'_>, at: &PassiveLevel, _: &dyn Kernel) -> Result<(), Failure> {
    let sent = Irp::allocate(on.busy)?
        .read([0; 16], ByteOffset(0))
        .on_completion(note, Seen::default())
        .send_and_wait(at, SOON);
    match sent {
        Err(SendError::Failed(done)) => {
            is_error(done.error(), IrpError::Device(STATUS_DEVICE_BUSY))?;
            Outcome::of(&done).check(STATUS_DEVICE_BUSY, 0, false)
        }
        Err(SendError::NotSent(not_sent)) => Err(not_sent.into()),
        Ok(_) => Err(Failure::NoError),
    }
}

fn inline_write(on: &Devices<'_>, at: &PassiveLevel, _: &dyn Kernel) -> Result<(), Failure> {
    write(on.inline, at)
}

fn pended_completion(on: &Devices<'_>, at: &PassiveLevel, _: &dyn Kernel) -> Result<(), Failure> {
    let mut sector = [0; 512];
    let done = read(on.pend, &mut sector, 250, at)?;
    done.check(STATUS_SUCCESS, 512, true)?;
    counts_up("data", &sector, 250)
}

fn pended_write(on: &Devices<'_>, at: &PassiveLevel, _: &dyn Kernel) -> Result<(), Failure> {
    write(on.pend, at)
}

/// Inline and pended in turn: a signal of one round must not end the wait of the next (H8).
fn many_rounds(on: &Devices<'_>, at: &PassiveLevel, _: &dyn Kernel) -> Result<(), Failure> {
    for round in 0..if cfg!(miri) { 5 } else { 200 } {
        let mut block = [0; 32];
        let done = read(on.pend, &mut block, round, at)?;
        done.check(STATUS_SUCCESS, 32, true)?;
        counts_up("data of a pended read", &block, round)?;

        let done = read(on.inline, &mut block, round + 1, at)?;
        done.check(STATUS_SUCCESS, 32, false)?;
        counts_up("data of an inline read", &block, round + 1)?;
    }
    Ok(())
}

fn timeout_cancels(on: &Devices<'_>, at: &PassiveLevel, _: &dyn Kernel) -> Result<(), Failure> {
    let sent = Irp::allocate(on.until_cancelled)?
        .read([0; 16], ByteOffset(0))
        .on_completion(note, Seen::default())
        .send_and_wait(at, Timeout::milliseconds(20));
    match sent {
        Err(SendError::Failed(done)) => {
            is_error(done.error(), IrpError::TimedOut)?;
            same("timed out", done.timed_out(), true)?;
            Outcome::of(&done).check(STATUS_CANCELLED, 0, true)
        }
        Err(SendError::NotSent(not_sent)) => Err(not_sent.into()),
        Ok(_) => Err(Failure::NoError),
    }
}

/// The time-out elapses, the lower driver pays no attention to the cancellation: its data still arrives, in memory
/// that is still there.
fn timeout_of_what_cannot_be_cancelled(
    on: &Devices<'_>,
    at: &PassiveLevel,
    _: &dyn Kernel,
) -> Result<(), Failure> {
    let mut done = Irp::allocate(on.slow)?
        .read([0; 16], ByteOffset(3))
        .on_completion(note, Seen::default())
        .send_and_wait(at, Timeout::milliseconds(1))?;
    same("timed out", done.timed_out(), true)?;
    counts_up("data", done.transferred(), 3)?;
    Outcome::of(&done).check(STATUS_SUCCESS, 16, true)
}

fn cancelled_on_demand(on: &Devices<'_>, at: &PassiveLevel, _: &dyn Kernel) -> Result<(), Failure> {
    let mut block = [0; 16];
    Irp::allocate(on.until_cancelled)?
        .read(&mut block, ByteOffset(0))
        .on_completion(note, Seen::default())
        .send_scoped(at, |sent| {
            let Sent::InFlight(in_flight) = sent else {
                return Err(Failure::NotInFlight);
            };
            let Err(in_flight) = in_flight.try_complete() else {
                return Err(Failure::NotInFlight);
            };
            in_flight.cancel();
            let done = in_flight.wait(at, SOON);
            same("timed out", done.timed_out(), false)?;
            Outcome::of(&done).check(STATUS_CANCELLED, 0, true)
        })?
}

/// The buffer is borrowed, so the request must be over when the handle is gone (H7, H20).
fn dropped_in_flight(on: &Devices<'_>, at: &PassiveLevel, _: &dyn Kernel) -> Result<(), Failure> {
    let mut block = [0xEE; 16];
    Irp::allocate(on.until_cancelled)?
        .read(&mut block, ByteOffset(0))
        .on_completion(note, Seen::default())
        .send_scoped(at, |sent| drop(sent))?;
    same("untouched byte", block[0], 0xEE)?;

    Irp::allocate(on.slow)?
        .read(&mut block, ByteOffset(9))
        .on_completion(note, Seen::default())
        .send_scoped(at, |sent| drop(sent))?;
    counts_up("data", &block, 9)
}

fn leaked_in_flight(on: &Devices<'_>, at: &PassiveLevel, _: &dyn Kernel) -> Result<(), Failure> {
    let mut block = [0; 16];
    Irp::allocate(on.slow)?
        .read(&mut block, ByteOffset(11))
        .on_completion(note, Seen::default())
        .send_scoped(at, |sent| mem::forget(sent))?;
    counts_up("data", &block, 11)
}

/// Without a stack frame that waits: memory that lives as long as the driver, one request at a time.
fn static_slot(on: &Devices<'_>, at: &PassiveLevel, _: &dyn Kernel) -> Result<(), Failure> {
    static SLOT: Slot<note, [u8; 16]> = Slot::new();

    let request = |target| {
        Ok::<_, IrpError>(
            Irp::allocate(target)?
                .read([0; 16], ByteOffset(5))
                .on_completion(note, Seen::default()),
        )
    };
    let first = request(on.until_cancelled)?.send_in(&SLOT, at)?;
    let second = request(on.pend)?.send_in(&SLOT, at);
    is_error(second.err().map(IrpError::from), IrpError::SlotInUse)?;
    let done = first.wait(at, Timeout::milliseconds(20));
    same("timed out", done.timed_out(), true)?;
    Outcome::of(&done).check(STATUS_CANCELLED, 0, true)?;

    for target in [on.pend, on.inline, on.pend] {
        let mut done = request(target)?.send_in(&SLOT, at)?.wait(at, SOON);
        counts_up("data", done.transferred(), 5)?;
    }
    Ok(())
}

/// `STATUS_PENDING` without `PendingReturned` (H23): a routine that relies on the flag would never signal.
fn pended_without_pending_returned(
    on: &Devices<'_>,
    at: &PassiveLevel,
    kernel: &dyn Kernel,
) -> Result<(), Failure> {
    let mut sector = [0; 512];
    let done = read(on.forward, &mut sector, 77, at)?;
    done.check(STATUS_SUCCESS, 512, kernel.forwards_pending_returned())?;
    counts_up("data", &sector, 77)
}

/// `PendingReturned`, and yet completed before the target returns (H23).
fn marked_pending_but_returned_success(
    on: &Devices<'_>,
    at: &PassiveLevel,
    _: &dyn Kernel,
) -> Result<(), Failure> {
    let mut block = [0; 16];
    let done = read(on.mark_and_return_success, &mut block, 1, at)?;
    done.check(STATUS_SUCCESS, 16, true)?;
    counts_up("data", &block, 1)
}

/// A final status, and completed afterwards all the same (H23).
fn returned_success_but_completes_later(
    on: &Devices<'_>,
    at: &PassiveLevel,
    _: &dyn Kernel,
) -> Result<(), Failure> {
    let mut block = [0; 16];
    let done = read(on.return_success_and_complete, &mut block, 2, at)?;
    done.check(STATUS_SUCCESS, 16, false)?;
    counts_up("data", &block, 2)
}

/// How much of a stack location the lower device records: what is before `DeviceObject`.
const RECORDED: usize = 40;

/// Where the parameters of a stack location are, in bytes: abi/wdm-x64.tsv.
mod offset {
    pub(super) const MAJOR_FUNCTION: usize = 0;
    pub(super) const READ_LENGTH: usize = 8;
    pub(super) const READ_KEY: usize = 16;
    pub(super) const READ_BYTE_OFFSET: usize = 24;
    pub(super) const OUTPUT_BUFFER_LENGTH: usize = 8;
    pub(super) const INPUT_BUFFER_LENGTH: usize = 16;
    pub(super) const IO_CONTROL_CODE: usize = 24;
    pub(super) const TYPE3_INPUT_BUFFER: usize = 32;
}

fn read_parameters(on: &Devices<'_>, at: &PassiveLevel, _: &dyn Kernel) -> Result<(), Failure> {
    const OFFSET: i64 = 0x1122_3344_5566_7788;

    let mut location = [0; 72];
    let done = Irp::allocate(on.record)?
        .read(&mut location, ByteOffset(OFFSET))
        .on_completion(note, Seen::default())
        .send_and_wait(at, SOON)?;
    same("recorded bytes", done.information(), RECORDED)?;
    same(
        "MajorFunction",
        u32::from(location[offset::MAJOR_FUNCTION]),
        IRP_MJ_READ,
    )?;
    same("Length", word(&location, offset::READ_LENGTH), 72)?;
    same("Key", word(&location, offset::READ_KEY), 0)?;
    same(
        "ByteOffset",
        double_word(&location, offset::READ_BYTE_OFFSET),
        OFFSET.cast_unsigned(),
    )
}

fn ioctl_buffered_parameters(
    on: &Devices<'_>,
    at: &PassiveLevel,
    _: &dyn Kernel,
) -> Result<(), Failure> {
    let code: ControlCode<Buffered> = BUFFERED;
    let mut location = [0; 64];
    let done = Irp::allocate(on.record)?
        .device_control(code, SystemBuffer::both(&mut location, 5))
        .on_completion(note, Seen::default())
        .send_and_wait(at, SOON)?;
    same("recorded bytes", done.information(), RECORDED)?;
    ioctl_parameters(&location, code.get(), 5, 64)
}

fn ioctl_neither_parameters(
    on: &Devices<'_>,
    at: &PassiveLevel,
    _: &dyn Kernel,
) -> Result<(), Failure> {
    let code: ControlCode<Neither> = NEITHER;
    let mut input = [1; 24];
    let mut location = [0; 48];
    let address = input.as_ptr().addr();
    let done = Irp::allocate(on.record)?
        .device_control(code, (&mut input, &mut location))
        .on_completion(note, Seen::default())
        .send_and_wait(at, SOON)?;
    same("recorded bytes", done.information(), RECORDED)?;
    ioctl_parameters(&location, code.get(), 24, 48)?;
    same(
        "Type3InputBuffer",
        double_word(&location, offset::TYPE3_INPUT_BUFFER),
        address as u64,
    )
}

fn ioctl_parameters(location: &[u8], code: u32, input: u32, output: u32) -> Result<(), Failure> {
    let major_function = u32::from(location[offset::MAJOR_FUNCTION]);
    same("MajorFunction", major_function, IRP_MJ_DEVICE_CONTROL)?;
    same(
        "OutputBufferLength",
        word(location, offset::OUTPUT_BUFFER_LENGTH),
        output,
    )?;
    same(
        "InputBufferLength",
        word(location, offset::INPUT_BUFFER_LENGTH),
        input,
    )?;
    same(
        "IoControlCode",
        word(location, offset::IO_CONTROL_CODE),
        code,
    )
}

fn ioctl_data(on: &Devices<'_>, at: &PassiveLevel, _: &dyn Kernel) -> Result<(), Failure> {
    for (target, pended) in [(on.inline, false), (on.pend, true)] {
        let mut done = Irp::allocate(target)?
            .device_control(BUFFERED, SystemBuffer::both([0, 1, 2, 3, 4, 5, 6, 7], 4))
            .on_completion(note, Seen::default())
            .send_and_wait(at, SOON)?;
        Outcome::of(&done).check(STATUS_SUCCESS, 4, pended)?;
        same(
            "output",
            done.transferred() == [0xFF, 0xFE, 0xFD, 0xFC],
            true,
        )?;
    }
    Ok(())
}

/// `METHOD_OUT_DIRECT`: the output through an MDL.
fn ioctl_direct_data(on: &Devices<'_>, at: &PassiveLevel, _: &dyn Kernel) -> Result<(), Failure> {
    let code: ControlCode<OutDirect> = OUT_DIRECT;
    let mut data = [0; 8];
    let done = Irp::allocate(on.pend)?
        .device_control(code, ([0x0F; 8], &mut data))
        .on_completion(note, Seen::default())
        .send_and_wait(at, SOON)?;
    Outcome::of(&done).check(STATUS_SUCCESS, 8, true)?;
    same("output", data == [0xF0; 8], true)
}

/// `DO_DIRECT_IO`, on more than one page.
fn direct_read(on: &Devices<'_>, at: &PassiveLevel, _: &dyn Kernel) -> Result<(), Failure> {
    for (target, pended) in [(on.inline_direct, false), (on.pend_direct, true)] {
        let mut pages = [0; 5000];
        let done = read(target, &mut pages, 42, at)?;
        done.check(STATUS_SUCCESS, 5000, pended)?;
        counts_up("data", &pages, 42)?;
    }
    Ok(())
}

fn flush_shutdown_pnp(on: &Devices<'_>, at: &PassiveLevel, _: &dyn Kernel) -> Result<(), Failure> {
    for target in [on.inline, on.pend] {
        for request in [
            Irp::allocate(target)?.flush(),
            Irp::allocate(target)?.shutdown(),
            Irp::allocate(target)?.pnp(PnpMinor::QUERY_PNP_DEVICE_STATE),
        ] {
            let done = request
                .on_completion(note, Seen::default())
                .send_and_wait(at, SOON)?;
            same("calls", done.context().calls, 1)?;
        }
    }
    Ok(())
}

/// The completion routine gets the device that the IRP's own stack location names.
fn own_stack_location(on: &Devices<'_>, at: &PassiveLevel, _: &dyn Kernel) -> Result<(), Failure> {
    for target in [on.inline, on.pend] {
        let done = Irp::allocate_with_own_location(target, on.own)?
            .read([0; 16], ByteOffset(0))
            .on_completion(note, Seen::default())
            .send_and_wait(at, SOON)?;
        same(
            "device object",
            done.context().device,
            on.own.as_ptr().addr(),
        )?;
    }
    let done = read(on.inline, &mut [0; 16], 0, at)?;
    same("device object without own location", done.seen_device, 0)
}

fn allocation_failure(
    on: &Devices<'_>,
    at: &PassiveLevel,
    kernel: &dyn Kernel,
) -> Result<(), Failure> {
    let mut block = [0; 16];
    kernel.fail_next_allocation();
    let failed = read(on.inline, &mut block, 0, at);
    let Err(Failure::Irp(error)) = failed else {
        return Err(Failure::NoError);
    };
    is_error(Some(error), IrpError::IrpAllocation)?;
    same("status", error.status(), STATUS_INSUFFICIENT_RESOURCES)?;
    // And the next one is none the worse for it.
    read(on.inline, &mut block, 8, at)?.check(STATUS_SUCCESS, 16, false)?;
    counts_up("data", &block, 8)
}

fn stack_too_deep(on: &Devices<'_>, _: &PassiveLevel, _: &dyn Kernel) -> Result<(), Failure> {
    let refused = Irp::allocate_with_own_location(on.deep, on.own);
    is_error(refused.err(), IrpError::InvalidParameter)
}

/// What is left of a request when the buffer is back.
struct Outcome {
    status: NTSTATUS,
    information: usize,
    calls: u32,
    seen_status: NTSTATUS,
    seen_information: usize,
    seen_device: usize,
    pended: bool,
}

impl Outcome {
    fn of<R: CompletionRoutine<Context = Seen>, B>(done: &Completed<R, B>) -> Self {
        let seen = done.context();
        Self {
            status: done.status(),
            information: done.information(),
            calls: seen.calls,
            seen_status: seen.status,
            seen_information: seen.information,
            seen_device: seen.device,
            pended: seen.pended,
        }
    }

    /// The originator and the completion routine, called once, have seen the same.
    fn check(&self, status: NTSTATUS, information: usize, pended: bool) -> Result<(), Failure> {
        same("calls of the completion routine", self.calls, 1)?;
        same("status", self.status, status)?;
        same("status in the completion routine", self.seen_status, status)?;
        same("information", self.information, information)?;
        same(
            "information in the completion routine",
            self.seen_information,
            information,
        )?;
        same("PendingReturned", self.pended, pended)
    }
}

/// Reads at `offset` and waits.
fn read(
    target: &TargetDevice,
    buffer: &mut [u8],
    offset: i64,
    at: &PassiveLevel,
) -> Result<Outcome, Failure> {
    let done = Irp::allocate(target)?
        .read(buffer, ByteOffset(offset))
        .on_completion(note, Seen::default())
        .send_and_wait(at, SOON)?;
    same("timed out", done.timed_out(), false)?;
    Ok(Outcome::of(&done))
}

/// Writes what the lower device expects, and something else.
fn write(target: &TargetDevice, at: &PassiveLevel) -> Result<(), Failure> {
    let done = Irp::allocate(target)?
        .write([20, 21, 22, 23], ByteOffset(20))
        .on_completion(note, Seen::default())
        .send_and_wait(at, SOON)?;
    same("information", done.information(), 4)?;

    let refused = Irp::allocate(target)?
        .write([20, 21, 22, 23], ByteOffset(21))
        .on_completion(note, Seen::default())
        .send_and_wait(at, SOON);
    is_error(
        refused.err().map(IrpError::from),
        IrpError::Device(STATUS_DATA_ERROR),
    )
}

/// The little-endian `ULONG` at an offset.
fn word(bytes: &[u8], offset: usize) -> u32 {
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[offset..offset + 4]);
    u32::from_le_bytes(word)
}

/// The little-endian `ULONG64` at an offset.
fn double_word(bytes: &[u8], offset: usize) -> u64 {
    u64::from(word(bytes, offset)) | u64::from(word(bytes, offset + 4)) << 32
}

/// Why a case failed.
#[derive(Debug)]
pub enum Failure {
    /// A request failed that must succeed.
    Irp(IrpError),
    /// A request succeeded that must fail.
    NoError,
    /// A request failed in another way than it must.
    OtherError(Option<IrpError>, IrpError),
    /// A request was over that must be in flight.
    NotInFlight,
    /// A value is not what it must be.
    Value {
        /// What it is a value of.
        what: &'static str,
        /// The value.
        got: u64,
        /// The value there must be.
        expected: u64,
    },
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Irp(error) => error.fmt(f),
            Self::NoError => f.write_str("no error"),
            Self::OtherError(got, expected) => write!(f, "error {got:?}, expected {expected:?}"),
            Self::NotInFlight => f.write_str("the request is not in flight"),
            Self::Value {
                what,
                got,
                expected,
            } => {
                write!(f, "{what}: {got:#x}, expected {expected:#x}")
            }
        }
    }
}

impl core::error::Error for Failure {}

impl From<IrpError> for Failure {
    fn from(error: IrpError) -> Self {
        Self::Irp(error)
    }
}

impl<Q, R: CompletionRoutine, B> From<SendError<Q, Completed<R, B>>> for Failure {
    fn from(error: SendError<Q, Completed<R, B>>) -> Self {
        Self::Irp(error.into())
    }
}

impl<Q> From<NotSent<Q>> for Failure {
    fn from(not_sent: NotSent<Q>) -> Self {
        Self::Irp(not_sent.into())
    }
}

/// Values that a [`Failure`] can show.
trait Value: PartialEq + Copy {
    fn shown(self) -> u64;
}

macro_rules! values {
    ($($ty:ident: $value:ident => $shown:expr;)*) => {$(
        impl Value for $ty {
            fn shown(self) -> u64 {
                let $value = self;
                $shown
            }
        }
    )*};
}

values! {
    bool: value => value.into();
    u8: value => value.into();
    u32: value => value.into();
    u64: value => value;
    usize: value => value as u64;
    isize: value => value.cast_unsigned() as u64;
    i32: value => value.cast_unsigned().into();
}

fn same<T: Value>(what: &'static str, got: T, expected: T) -> Result<(), Failure> {
    if got == expected {
        return Ok(());
    }
    Err(Failure::Value {
        what,
        got: got.shown(),
        expected: expected.shown(),
    })
}

fn is_error(got: Option<IrpError>, expected: IrpError) -> Result<(), Failure> {
    if got == Some(expected) {
        return Ok(());
    }
    Err(Failure::OtherError(got, expected))
}

/// The bytes a lower device answers a read at `offset` with.
fn counts_up(what: &'static str, data: &[u8], offset: i64) -> Result<(), Failure> {
    let [mut expected, ..] = offset.to_le_bytes();
    for &byte in data {
        same(what, byte, expected)?;
        expected = expected.wrapping_add(1);
    }
    Ok(())
}
