//! Cancellation.

use wdm_irp::sys::{
    NotificationEvent, SL_INVOKE_ALWAYS, STATUS_CANCELLED, STATUS_MORE_PROCESSING_REQUIRED,
    STATUS_SUCCESS,
};

use super::parts::{CANCELLABLE, EMPTY, FILTERS, FINISH, IDLE, PENDS, REQUEST};
use crate::script::Actor::{Lower, Middle};
use crate::script::Limit::{Forever, Ticks};
use crate::script::Step::{
    AcquireCancelLock, Allocate, Call, Cancel, Complete, Continue, Free, InitializeEvent,
    ReleaseCancelLock, Return, SetCancelRoutine, SetEvent, SetRoutine, SetStatus, ShowIrp,
    ShowIrql, Wait,
};
use crate::script::Which::First;
use crate::script::{Driver, Scenario};

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "cancel_with_routine",
        originator: &[
            Allocate(1),
            REQUEST,
            SetRoutine(SL_INVOKE_ALWAYS),
            Call(Lower),
            Cancel,
            ShowIrql,
            ShowIrp,
            Free,
        ],
        lower: CANCELLABLE,
        ..EMPTY
    },
    Scenario {
        name: "cancel_with_routine_below_a_filter",
        originator: &[
            Allocate(2),
            REQUEST,
            SetRoutine(SL_INVOKE_ALWAYS),
            Call(Middle),
            Cancel,
            ShowIrp,
            Free,
        ],
        middle: FILTERS,
        lower: CANCELLABLE,
        ..EMPTY
    },
    Scenario {
        name: "cancel_without_routine",
        originator: &[
            Allocate(1),
            REQUEST,
            SetRoutine(SL_INVOKE_ALWAYS),
            Call(Lower),
            Cancel,
            Cancel,
            Continue(Lower, FINISH),
            ShowIrp,
            Free,
        ],
        lower: PENDS,
        ..EMPTY
    },
    Scenario {
        name: "cancel_before_the_call",
        originator: &[
            Allocate(1),
            Cancel,
            ShowIrp,
            REQUEST,
            SetRoutine(SL_INVOKE_ALWAYS),
            Call(Lower),
            ShowIrp,
            Free,
        ],
        lower: Driver {
            dispatch: &[&[
                SetStatus(STATUS_CANCELLED, 0),
                Complete,
                Return(STATUS_CANCELLED),
            ]],
            ..IDLE
        },
        ..EMPTY
    },
    Scenario {
        name: "cancel_after_completion",
        originator: &[
            Allocate(1),
            REQUEST,
            SetRoutine(SL_INVOKE_ALWAYS),
            Call(Lower),
            Continue(
                Lower,
                &[
                    AcquireCancelLock,
                    SetCancelRoutine(false),
                    ReleaseCancelLock,
                    SetStatus(STATUS_SUCCESS, 512),
                    Complete,
                ],
            ),
            Cancel,
            ShowIrp,
            Free,
        ],
        lower: CANCELLABLE,
        ..EMPTY
    },
    Scenario {
        name: "cancel_while_the_routine_is_taken_back",
        originator: &[
            Allocate(1),
            REQUEST,
            SetRoutine(SL_INVOKE_ALWAYS),
            Call(Lower),
            Continue(Lower, &[SetCancelRoutine(false)]),
            Cancel,
            Continue(Lower, &[SetCancelRoutine(true), SetCancelRoutine(false)]),
            Continue(Lower, FINISH),
            ShowIrp,
            Free,
        ],
        lower: CANCELLABLE,
        ..EMPTY
    },
    Scenario {
        name: "cancel_spin_lock",
        originator: &[AcquireCancelLock, ShowIrql, ReleaseCancelLock, ShowIrql],
        ..EMPTY
    },
    Scenario {
        name: "cancel_of_what_is_pended_on_time_out",
        originator: &[
            InitializeEvent(First, NotificationEvent, 0),
            Allocate(1),
            REQUEST,
            SetRoutine(SL_INVOKE_ALWAYS),
            Call(Lower),
            Wait(First, Ticks(-10_000)),
            Cancel,
            Wait(First, Forever),
            ShowIrp,
            Free,
        ],
        routine: &[&[SetEvent(First), Return(STATUS_MORE_PROCESSING_REQUIRED)]],
        lower: CANCELLABLE,
        ..EMPTY
    },
];
