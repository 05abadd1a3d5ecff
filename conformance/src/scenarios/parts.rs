//! What scenarios are made of: requests, originators and drivers that several of them use.

use wdm_irp::sys::{
    IRP_MJ_INTERNAL_DEVICE_CONTROL, SL_INVOKE_ALWAYS, STATUS_CANCELLED, STATUS_DEVICE_BUSY,
    STATUS_MORE_PROCESSING_REQUIRED, STATUS_PENDING, STATUS_SUCCESS,
};

use crate::script::Actor::{Lower, Middle, Upper};
use crate::script::Limit::Ticks;
use crate::script::Step::{
    self, AcquireCancelLock, Allocate, Call, Complete, Continue, Copy, Free, Hold, Mark,
    MarkIfPendingReturned, Next, ReleaseCancelLock, Return, ReturnCalled, SetCancelRoutine,
    SetRoutine, SetStatus, ShowIrp, ShowIrql, Signal, Skip,
};
use crate::script::Which::First;
use crate::script::{Driver, Scenario};

/// `EVENT_TYPE` of an event that is reset by the wait it satisfies.
pub(super) const SYNCHRONIZATION_EVENT: i32 = 1;

/// An unremarkable request.
pub(super) const REQUEST: Step = Next(IRP_MJ_INTERNAL_DEVICE_CONTROL, 0);

/// A wait that does not last.
pub(super) const POLL: crate::script::Limit = Ticks(0);

/// Ten seconds: longer than anything takes that comes at all.
pub(super) const TEN_SECONDS: crate::script::Limit = Ticks(-100_000_000);

/// The completion routine of a driver-allocated IRP.
pub(super) const KEEP: &[&[Step]] = &[&[Return(STATUS_MORE_PROCESSING_REQUIRED)]];

/// As [`KEEP`], and the first event is signaled, whether somebody waits or not.
pub(super) const KEEP_AND_SIGNAL: &[&[Step]] =
    &[&[Signal(First), Return(STATUS_MORE_PROCESSING_REQUIRED)]];

pub(super) const TO_LOWER: &[Step] = &[
    Allocate(1),
    REQUEST,
    SetRoutine(SL_INVOKE_ALWAYS),
    Call(Lower),
    ShowIrp,
    Free,
];
pub(super) const TO_MIDDLE: &[Step] = &[
    Allocate(2),
    REQUEST,
    SetRoutine(SL_INVOKE_ALWAYS),
    Call(Middle),
    ShowIrp,
    Free,
];
pub(super) const TO_UPPER: &[Step] = &[
    Allocate(3),
    REQUEST,
    SetRoutine(SL_INVOKE_ALWAYS),
    Call(Upper),
    ShowIrp,
    Free,
];

/// What a driver does that has held an IRP.
pub(super) const FINISH: &[Step] = &[SetStatus(STATUS_SUCCESS, 512), Complete];
pub(super) const FINISH_BUSY: &[Step] = &[SetStatus(STATUS_DEVICE_BUSY, 0), Complete];

/// As [`TO_LOWER`], and the lower driver completes the IRP afterwards.
pub(super) const TO_LOWER_PENDING: &[Step] = &[
    Allocate(1),
    REQUEST,
    SetRoutine(SL_INVOKE_ALWAYS),
    Call(Lower),
    Continue(Lower, FINISH),
    ShowIrp,
    Free,
];
pub(super) const TO_MIDDLE_PENDING: &[Step] = &[
    Allocate(2),
    REQUEST,
    SetRoutine(SL_INVOKE_ALWAYS),
    Call(Middle),
    Continue(Lower, FINISH),
    ShowIrp,
    Free,
];
pub(super) const TO_UPPER_PENDING: &[Step] = &[
    Allocate(3),
    REQUEST,
    SetRoutine(SL_INVOKE_ALWAYS),
    Call(Upper),
    Continue(Lower, FINISH),
    ShowIrp,
    Free,
];

/// A driver that gets no requests.
pub(super) const IDLE: Driver = Driver {
    dispatch: &[],
    routine: &[],
    cancel: &[],
};

/// Completes in its dispatch routine.
pub(super) const COMPLETES: Driver = Driver {
    dispatch: &[&[
        SetStatus(STATUS_SUCCESS, 512),
        Complete,
        Return(STATUS_SUCCESS),
    ]],
    ..IDLE
};

/// Fails in its dispatch routine.
pub(super) const FAILS: Driver = Driver {
    dispatch: &[&[
        SetStatus(STATUS_DEVICE_BUSY, 0),
        Complete,
        Return(STATUS_DEVICE_BUSY),
    ]],
    ..IDLE
};

/// Pends, and is told by the script when to go on.
pub(super) const PENDS: Driver = Driver {
    dispatch: &[&[Mark, Hold, Return(STATUS_PENDING)]],
    ..IDLE
};

/// Pends, and can be cancelled.
pub(super) const CANCELLABLE: Driver = Driver {
    dispatch: &[&[
        Mark,
        Hold,
        AcquireCancelLock,
        SetCancelRoutine(true),
        ReleaseCancelLock,
        Return(STATUS_PENDING),
    ]],
    cancel: &[
        ShowIrql,
        ReleaseCancelLock,
        SetStatus(STATUS_CANCELLED, 0),
        Complete,
    ],
    ..IDLE
};

/// Passes the IRP to the lower driver and has no routine.
pub(super) const FORWARDS: Driver = Driver {
    dispatch: &[&[Copy, Call(Lower), ReturnCalled]],
    ..IDLE
};

/// Passes the IRP to the lower driver in its own location.
pub(super) const SKIPS: Driver = Driver {
    dispatch: &[&[Skip, Call(Lower), ReturnCalled]],
    ..IDLE
};

/// Passes the IRP to the lower driver and has a routine that propagates the mark.
pub(super) const FILTERS: Driver = filter::<SL_INVOKE_ALWAYS>(Lower);

/// As [`FORWARDS`], to the middle driver.
pub(super) const FORWARDS_TO_MIDDLE: Driver = Driver {
    dispatch: &[&[Copy, Call(Middle), ReturnCalled]],
    ..IDLE
};

/// As [`FILTERS`], to the middle driver.
pub(super) const FILTERS_TO_MIDDLE: Driver = filter::<SL_INVOKE_ALWAYS>(Middle);

/// Returns a filter driver whose routine is registered for these outcomes.
pub(super) const fn filter<const CONTROL: u8>(below: crate::script::Actor) -> Driver {
    let dispatch: &[&[Step]] = match below {
        Middle => const { &[&[Copy, SetRoutine(CONTROL), Call(Middle), ReturnCalled]] },
        _ => const { &[&[Copy, SetRoutine(CONTROL), Call(Lower), ReturnCalled]] },
    };
    Driver {
        dispatch,
        routine: &[&[MarkIfPendingReturned, Return(STATUS_SUCCESS)]],
        ..IDLE
    }
}

/// A scenario in which the originator's routine keeps the IRP, to fill in.
pub(super) const EMPTY: Scenario = Scenario {
    name: "",
    originator: &[],
    routine: KEEP,
    upper: IDLE,
    middle: IDLE,
    lower: IDLE,
};
