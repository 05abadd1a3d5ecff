//! How a random program is drawn.

use proptest::prelude::*;
use proptest::sample::select;
use wdm_irp::sys::{STATUS_PENDING, STATUS_SUCCESS, STATUS_UNSUCCESSFUL};
use wdm_irp_sim::DelayPoint;

use crate::program::{
    Answer, CancellerOp, Completer, DeviceSpec, Fault, HandleOp, How, IoMethod, Kind, Limit, Lower,
    Method, Nested, Program, RequestSpec, RoutineSpec, ScopeOp, Step, To,
};

// Boxed where strategies meet, or their trees would be kilobytes that are moved about.

fn device() -> impl Strategy<Value = DeviceSpec> {
    (io_method(), 0_usize..3, answer(), any::<bool>()).prop_map(
        |(method, filters, answer, registered)| DeviceSpec {
            method,
            filters,
            answer,
            registered,
        },
    )
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
    let place = (0_usize..3, to());
    let borrowed = any::<bool>();
    let data = (kind(), size(), size(), borrowed, any::<bool>(), any::<u8>());
    let rest = (
        answer_index(),
        routine(),
        lower(),
        proptest::bool::weighted(0.2),
        any::<bool>(),
        any::<bool>(),
    );
    (place, data, rest)
        .prop_map(
            |(
                (device, to),
                (kind, input, output, borrowed, lent, first),
                (answer, routine, lower, raised, again, reuse),
            )| RequestSpec {
                device,
                to,
                kind,
                input,
                output,
                borrowed,
                lent,
                first,
                answer,
                routine,
                lower,
                raised,
                again,
                reuse,
            },
        )
        .boxed()
}

fn to() -> impl Strategy<Value = To> {
    prop_oneof![4 => Just(To::Device), 1 => Just(To::Pair), 2 => Just(To::Locked)]
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
    let scoped = || {
        prop_oneof![
            limit().prop_map(ScopeOp::Wait),
            Just(ScopeOp::Drop),
            Just(ScopeOp::Forget),
            limit().prop_map(ScopeOp::CancelAndWait),
            (1_u8..5, limit()).prop_map(|(polls, limit)| ScopeOp::PollAndWait(polls, limit)),
            (1_u8..3).prop_map(ScopeOp::PollAndForget),
            (limit(), limit()).prop_map(|(first, then)| ScopeOp::WaitForAndWait(first, then)),
            any::<bool>().prop_map(ScopeOp::Panic),
        ]
    };
    prop_oneof![
        3 => limit().prop_map(How::AndWait).boxed(),
        3 => scoped().prop_map(How::Scoped).boxed(),
        1 => (scoped(), any::<bool>())
            .prop_map(|(op, meanwhile)| How::ScopedCancellable(op, meanwhile)).boxed(),
        6 => prop_oneof![3 => Just(0), 1 => Just(1)].prop_map(How::InSlot).boxed(),
        3 => Just(How::Boxed).boxed(),
        2 => Just(How::Cancellable).boxed(),
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
        3 => limit().prop_map(HandleOp::WaitFor).boxed(),
        2 => Just(HandleOp::Drop).boxed(),
        2 => Just(HandleOp::Abandon).boxed(),
        1 => limit().prop_map(HandleOp::WaitOnAnotherThread).boxed(),
        1 => Just(HandleOp::DropOnAnotherThread).boxed(),
        1 => limit().prop_map(HandleOp::CancelAndWaitOnAnotherThread).boxed(),
    ]
    .boxed()
}

fn step() -> BoxedStrategy<Step> {
    let points = select(DelayPoint::ALL);
    let fault = select(&[Fault::Irp, Fault::Mdl, Fault::Pool, Fault::Registration][..]);
    let canceller_op = select(
        &[
            CancellerOp::Cancel,
            CancellerOp::CancelOnAnotherThread,
            CancellerOp::Drop,
        ][..],
    );
    prop_oneof![
        3 => (0_usize..3, to())
            .prop_map(|(device, to)| Step::AllocateAndDrop { device, to }).boxed(),
        4 => (request(), any::<bool>()).prop_map(|(request, armed)| Step::DropUnsent(request, armed)).boxed(),
        52 => (request(), how()).prop_map(|(request, how)| Step::Send(request, how)).boxed(),
        26 => (0_usize..4, handle_op()).prop_map(|(handle, op)| Step::Handle(handle, op)).boxed(),
        5 => (0_usize..4, canceller_op)
            .prop_map(|(canceller, op)| Step::Canceller(canceller, op)).boxed(),
        1 => Just(Step::Remove).boxed(),
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

/// Draws programs of 1 to 12 steps.
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
