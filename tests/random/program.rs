//! What a random program is made of.

use std::time::Duration;

use wdm_irp::Timeout;
use wdm_irp::sys::{
    NTSTATUS, STATUS_CANCELLED, STATUS_DEVICE_BUSY, STATUS_INVALID_PARAMETER, STATUS_UNSUCCESSFUL,
};
use wdm_irp_sim::{DelayPoint, When};

/// `STATUS_BUFFER_OVERFLOW`: a warning, which is no success, that comes with data.
pub(crate) const STATUS_BUFFER_OVERFLOW: NTSTATUS = 0x8000_0005_u32.cast_signed();

/// A machine, what is on it, and what is done with it.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) devices: Vec<DeviceSpec>,
    pub(crate) steps: Vec<Step>,
    /// What becomes of the handles that are left.
    pub(crate) end: HandleOp,
}

impl Program {
    /// Returns whether a request holds the remove lock of the driver's own device.
    pub(crate) fn needs_locks(&self) -> bool {
        self.steps.iter().any(|step| match step {
            Step::AllocateAndDrop { to, .. } => *to == To::Locked,
            Step::DropUnsent(spec, _)
            | Step::Send(spec, _)
            | Step::SendOnAnotherThread(spec, ..) => spec.to == To::Locked,
            _ => false,
        })
    }
}

/// How a device takes the buffer of a read or write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IoMethod {
    Buffered,
    Direct,
    Neither,
}

/// A device with filters above it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DeviceSpec {
    pub(crate) method: IoMethod,
    pub(crate) filters: usize,
    /// The answer to requests that do not name one themselves.
    pub(crate) answer: Answer,
    /// Whether the routines of pairs are registered with `IoSetCompletionRoutineEx`.
    pub(crate) registered: bool,
}

/// The result of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// All that fits.
    Transfer,
    /// Half of it, with a warning.
    Half,
    /// No data, and a claim of very much.
    Lie,
    /// `STATUS_PENDING` in the `IO_STATUS_BLOCK`: a breach of contract.
    Pending,
    /// An error.
    Fail(NTSTATUS),
}

impl Answer {
    /// All of them: a read or write names one by its place here.
    pub(crate) const ALL: [Self; 8] = [
        Self::Transfer,
        Self::Half,
        Self::Lie,
        Self::Pending,
        Self::Fail(STATUS_INVALID_PARAMETER),
        Self::Fail(STATUS_UNSUCCESSFUL),
        Self::Fail(STATUS_CANCELLED),
        Self::Fail(STATUS_DEVICE_BUSY),
    ];
}

/// Who completes a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Completer {
    Inline,
    BeforeReturn,
    /// Microseconds.
    After(u64),
    /// Whoever [triggers](Step::Trigger) it.
    Triggered,
}

/// When a lower driver completes a request, and how well it keeps its contract.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lower {
    pub(crate) completer: Completer,
    pub(crate) marked: bool,
    pub(crate) cancelable: bool,
    pub(crate) returns: Option<NTSTATUS>,
    pub(crate) irql: u8,
}

impl Lower {
    pub(crate) fn when(self) -> When {
        let mut when = match self.completer {
            Completer::Inline => When::inline_marked(),
            Completer::BeforeReturn => When::before_return(),
            Completer::After(micros) => When::after(Duration::from_micros(micros)),
            Completer::Triggered => When::triggered(),
        };
        if !self.marked {
            when = when.unmarked();
        }
        if self.cancelable {
            when = when.cancelable();
        }
        match self.returns {
            Some(status) => when.returning(status),
            None => when,
        }
    }
}

/// What a request is sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum To {
    /// A device.
    Device,
    /// A pair of a device of the driver's own and that one.
    Pair,
    /// A pair whose requests hold the remove lock of the driver's own device.
    Locked,
}

/// The request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Read,
    Write,
    Control { method: Method, internal: bool },
    Flush,
    Shutdown,
    Pnp,
}

/// How a device control hands over its buffers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    /// `METHOD_BUFFERED`: all of the buffer is input.
    Input,
    /// `METHOD_BUFFERED`: all of the buffer is for output.
    Output,
    /// `METHOD_BUFFERED`: input and output share the buffer.
    Both,
    InDirect,
    OutDirect,
    Neither,
}

/// The completion routine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RoutineSpec {
    SignalIfPended,
    Match,
    Check,
    /// Sends another request from within.
    Nested(Nested),
}

/// A request that a completion routine sends.
#[expect(
    clippy::struct_excessive_bools,
    reason = "drawn independently of each other"
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Nested {
    pub(crate) boxed: bool,
    pub(crate) method: IoMethod,
    pub(crate) answer: Answer,
    pub(crate) inline: bool,
    pub(crate) marked: bool,
    pub(crate) size: usize,
    /// Whether its handle is dropped, or else waited for.
    pub(crate) dropped: bool,
}

/// A request, and what the lower driver does with it.
#[expect(
    clippy::struct_excessive_bools,
    reason = "drawn independently of each other"
)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestSpec {
    /// Modulo the number of devices.
    pub(crate) device: usize,
    pub(crate) to: To,
    pub(crate) kind: Kind,
    /// Bytes of input of a device control.
    pub(crate) input: usize,
    /// Bytes of a read, a write, or the other buffer of a device control.
    pub(crate) output: usize,
    /// The buffer is borrowed, and `lent` the target, too, if the request does not outlive the call.
    pub(crate) borrowed: bool,
    pub(crate) lent: bool,
    /// The first byte of the data.
    pub(crate) first: u8,
    /// Which of [`Answer::ALL`] a read or write gets.
    pub(crate) answer: usize,
    pub(crate) routine: RoutineSpec,
    pub(crate) lower: Lower,
    /// Whether the IRQL is raised to send it, as far as it may be.
    pub(crate) raised: bool,
    /// Whether it is sent a second time if it could not be sent.
    pub(crate) again: bool,
    /// Whether its IRP is one that has come back, if there is one, and is kept when it comes back.
    pub(crate) reuse: bool,
}

/// A time-out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    Zero,
    /// Microseconds.
    Short(u64),
    Long,
    Forever,
}

impl Limit {
    pub(crate) const fn timeout(self) -> Timeout {
        match self {
            Self::Zero => Timeout::after(Duration::ZERO),
            Self::Short(micros) => Timeout::after(Duration::from_micros(micros)),
            Self::Long => Timeout::seconds(3600),
            Self::Forever => Timeout::FOREVER,
        }
    }

    /// Returns whether it elapses, if nobody completes the request.
    pub(crate) const fn elapses(self) -> bool {
        matches!(self, Self::Zero | Self::Short(_))
    }
}

/// What is done inside of a scope.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ScopeOp {
    Wait(Limit),
    Drop,
    Forget,
    CancelAndWait(Limit),
    PollAndWait(u8, Limit),
    PollAndForget(u8),
    /// Waits in vain, maybe, and then again.
    WaitForAndWait(Limit, Limit),
    /// With the handle alive, or forgotten.
    Panic(bool),
}

/// How a request is sent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum How {
    AndWait(Limit),
    Scoped(ScopeOp),
    /// Cancelled by another thread meanwhile, or by this one when it is over.
    ScopedCancellable(ScopeOp, bool),
    /// Modulo the number of slots.
    InSlot(usize),
    Boxed,
    Cancellable,
}

/// What is done with a handle.
#[derive(Clone, Copy, Debug)]
pub(crate) enum HandleOp {
    Cancel,
    /// And on this one.
    CancelOnAnotherThread,
    Poll,
    PollRaised,
    Wait(Limit),
    WaitFor(Limit),
    Drop,
    Abandon,
    WaitOnAnotherThread(Limit),
    DropOnAnotherThread,
    CancelAndWaitOnAnotherThread(Limit),
}

/// What is done with the right to cancel a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum CancellerOp {
    Cancel,
    CancelOnAnotherThread,
    Drop,
}

/// Which allocation fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Irp,
    Mdl,
    Pool,
    Registration,
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    AllocateAndDrop {
        device: usize,
        to: To,
    },
    /// Drops a request, armed or not, without sending it.
    DropUnsent(RequestSpec, bool),
    Send(RequestSpec, How),
    /// Modulo the number of handles.
    Handle(usize, HandleOp),
    /// Modulo the number of cancellers.
    Canceller(usize, CancellerOp),
    /// Begins to remove the driver's own device, on another thread.
    Remove,
    /// Completes the IRP that a device holds back longest, on this thread or another one.
    Trigger(usize, bool),
    /// A coming allocation fails.
    Fail(Fault, usize),
    /// The model is delayed, for microseconds.
    Delay(DelayPoint, u64),
    ClearFaults,
    /// Sends a request on another thread, to a device of its own.
    SendOnAnotherThread(RequestSpec, How, HandleOp),
    /// Waits for the other threads.
    Join,
}
