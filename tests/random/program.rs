//! What a random program is made of, and how one is drawn.

use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::select;
use wdm_irp::Timeout;
use wdm_irp::sys::{
    NTSTATUS, STATUS_CANCELLED, STATUS_DEVICE_BUSY, STATUS_INVALID_PARAMETER, STATUS_PENDING,
    STATUS_SUCCESS, STATUS_UNSUCCESSFUL,
};
use wdm_irp_sim::{Point, When};

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
    pub(crate) own_location: bool,
    pub(crate) kind: Kind,
    /// Bytes of input of a device control.
    pub(crate) input: usize,
    /// Bytes of a read, a write, or the other buffer of a device control.
    pub(crate) output: usize,
    pub(crate) borrowed: bool,
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

    /// Whether it elapses, if nobody completes the request.
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
    /// With the handle alive, or forgotten.
    Panic(bool),
}

/// How a request is sent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum How {
    AndWait(Limit),
    Scoped(ScopeOp),
    /// Modulo the number of slots.
    InSlot(usize),
    Boxed,
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
    Drop,
    WaitOnAnotherThread(Limit),
    DropOnAnotherThread,
    CancelAndWaitOnAnotherThread(Limit),
}

/// Which allocation fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Irp,
    Mdl,
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    AllocateAndDrop {
        device: usize,
        own_location: bool,
    },
    /// Drops a request, armed or not, without sending it.
    DropUnsent(RequestSpec, bool),
    Send(RequestSpec, How),
    /// Modulo the number of handles.
    Handle(usize, HandleOp),
    /// Completes the IRP that a device holds back longest, on this thread or another one.
    Trigger(usize, bool),
    /// A coming allocation fails.
    Fail(Fault, usize),
    /// The model dwells, for microseconds.
    Delay(Point, u64),
    ClearFaults,
    /// Sends a request on another thread, to a device of its own.
    SendOnAnotherThread(RequestSpec, How, HandleOp),
    /// Waits for the other threads.
    Join,
}

// Boxed where strategies meet, or their trees would be kilobytes that are moved about.

fn device() -> impl Strategy<Value = DeviceSpec> {
    (io_method(), 0_usize..3, answer()).prop_map(|(method, filters, answer)| DeviceSpec {
        method,
        filters,
        answer,
    })
}

fn io_method() -> impl Strategy<Value = IoMethod> {
    select(&[IoMethod::Buffered, IoMethod::Direct, IoMethod::Neither][..])
}

fn answer_index() -> impl Strategy<Value = usize> {
    prop_oneof![2 => Just(0), 1 => 0..Answer::ALL.len()]
}

fn answer() -> impl Strategy<Value = Answer> {
    answer_index().prop_map(|index| Answer::ALL[index])
}

fn micros(limit: u64) -> impl Strategy<Value = u64> {
    prop_oneof![3 => Just(0), 1 => 0..limit]
}

fn lower() -> BoxedStrategy<Lower> {
    let completer = prop_oneof![
        4 => Just(Completer::Inline),
        2 => Just(Completer::BeforeReturn),
        3 => micros(60).prop_map(Completer::After),
        2 => Just(Completer::Triggered),
    ];
    let returns = prop_oneof![
        4 => Just(None),
        1 => select(&[STATUS_PENDING, STATUS_SUCCESS, STATUS_UNSUCCESSFUL][..]).prop_map(Some),
    ];
    let marked = prop_oneof![2 => Just(true), 1 => Just(false)];
    (completer, marked, any::<bool>(), returns, 0_u8..=2)
        .prop_map(|(completer, marked, cancelable, returns, irql)| Lower {
            completer,
            marked,
            cancelable,
            returns,
            irql,
        })
        .boxed()
}

fn kind() -> BoxedStrategy<Kind> {
    let method = select(
        &[
            Method::Input,
            Method::Output,
            Method::Both,
            Method::InDirect,
            Method::OutDirect,
            Method::Neither,
        ][..],
    );
    prop_oneof![
        5 => Just(Kind::Read),
        4 => Just(Kind::Write),
        6 => (method, any::<bool>()).prop_map(|(method, internal)| Kind::Control { method, internal }),
        1 => Just(Kind::Flush),
        1 => Just(Kind::Shutdown),
        1 => Just(Kind::Pnp),
    ]
    .boxed()
}

fn size() -> impl Strategy<Value = usize> {
    prop_oneof![1 => Just(0), 8 => 0_usize..=64]
}

fn routine() -> BoxedStrategy<RoutineSpec> {
    let nested = (
        any::<bool>(),
        io_method(),
        answer(),
        any::<bool>(),
        any::<bool>(),
        size(),
        any::<bool>(),
    )
        .prop_map(|(boxed, method, answer, inline, marked, size, dropped)| {
            RoutineSpec::Nested(Nested {
                boxed,
                method,
                answer,
                inline,
                marked,
                size,
                dropped,
            })
        });
    prop_oneof![
        3 => Just(RoutineSpec::SignalIfPended).boxed(),
        3 => Just(RoutineSpec::Match).boxed(),
        3 => Just(RoutineSpec::Check).boxed(),
        1 => nested,
    ]
    .boxed()
}

fn request() -> BoxedStrategy<RequestSpec> {
    let place = (0_usize..3, proptest::bool::weighted(0.2));
    let data = (kind(), size(), size(), any::<bool>(), any::<u8>());
    let rest = (
        answer_index(),
        routine(),
        lower(),
        proptest::bool::weighted(0.2),
        any::<bool>(),
    );
    (place, data, rest)
        .prop_map(
            |(
                (device, own_location),
                (kind, input, output, borrowed, first),
                (answer, routine, lower, raised, again),
            )| RequestSpec {
                device,
                own_location,
                kind,
                input,
                output,
                borrowed,
                first,
                answer,
                routine,
                lower,
                raised,
                again,
            },
        )
        .boxed()
}

fn limit() -> impl Strategy<Value = Limit> {
    prop_oneof![
        2 => Just(Limit::Zero),
        1 => (1_u64..60).prop_map(Limit::Short),
        2 => Just(Limit::Long),
        2 => Just(Limit::Forever),
    ]
}

fn how() -> BoxedStrategy<How> {
    let scoped = prop_oneof![
        limit().prop_map(ScopeOp::Wait),
        Just(ScopeOp::Drop),
        Just(ScopeOp::Forget),
        limit().prop_map(ScopeOp::CancelAndWait),
        (1_u8..5, limit()).prop_map(|(polls, limit)| ScopeOp::PollAndWait(polls, limit)),
        (1_u8..3).prop_map(ScopeOp::PollAndForget),
        any::<bool>().prop_map(ScopeOp::Panic),
    ];
    prop_oneof![
        3 => limit().prop_map(How::AndWait).boxed(),
        3 => scoped.prop_map(How::Scoped).boxed(),
        3 => (0_usize..2).prop_map(How::InSlot).boxed(),
        3 => Just(How::Boxed).boxed(),
    ]
    .boxed()
}

fn handle_op() -> BoxedStrategy<HandleOp> {
    prop_oneof![
        3 => Just(HandleOp::Cancel).boxed(),
        1 => Just(HandleOp::CancelOnAnotherThread).boxed(),
        3 => Just(HandleOp::Poll).boxed(),
        1 => Just(HandleOp::PollRaised).boxed(),
        4 => limit().prop_map(HandleOp::Wait).boxed(),
        3 => Just(HandleOp::Drop).boxed(),
        1 => limit().prop_map(HandleOp::WaitOnAnotherThread).boxed(),
        1 => Just(HandleOp::DropOnAnotherThread).boxed(),
        1 => limit().prop_map(HandleOp::CancelAndWaitOnAnotherThread).boxed(),
    ]
    .boxed()
}

fn step() -> BoxedStrategy<Step> {
    let points = select(Point::ALL);
    let fault = prop_oneof![Just(Fault::Irp), Just(Fault::Mdl)];
    prop_oneof![
        3 => (0_usize..3, any::<bool>())
            .prop_map(|(device, own_location)| Step::AllocateAndDrop { device, own_location }).boxed(),
        4 => (request(), any::<bool>()).prop_map(|(request, armed)| Step::DropUnsent(request, armed)).boxed(),
        52 => (request(), how()).prop_map(|(request, how)| Step::Send(request, how)).boxed(),
        26 => (0_usize..4, handle_op()).prop_map(|(handle, op)| Step::Handle(handle, op)).boxed(),
        5 => (0_usize..3, proptest::bool::weighted(0.3))
            .prop_map(|(device, elsewhere)| Step::Trigger(device, elsewhere)).boxed(),
        6 => (fault, 0_usize..3).prop_map(|(fault, skip)| Step::Fail(fault, skip)).boxed(),
        1 => (points, 1_u64..40).prop_map(|(point, micros)| Step::Delay(point, micros)).boxed(),
        1 => Just(Step::ClearFaults).boxed(),
        2 => (request(), how(), handle_op())
            .prop_map(|(request, how, op)| Step::SendOnAnotherThread(request, how, op)).boxed(),
        1 => Just(Step::Join).boxed(),
    ]
    .boxed()
}

/// Programs of 1 to 12 steps.
pub(crate) fn program() -> BoxedStrategy<Program> {
    let devices = proptest::collection::vec(device(), 1..=3);
    let steps = proptest::collection::vec(step(), 1..=12);
    (devices, steps, handle_op())
        .prop_map(|(devices, steps, end)| Program {
            devices,
            steps,
            end,
        })
        .boxed()
}
