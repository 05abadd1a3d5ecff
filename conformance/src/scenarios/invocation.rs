//! For which outcomes a completion routine is called.

use wdm_irp::sys::{
    SL_INVOKE_ALWAYS, SL_INVOKE_ON_CANCEL, SL_INVOKE_ON_ERROR, SL_INVOKE_ON_SUCCESS,
    STATUS_CANCELLED, STATUS_SUCCESS,
};

use super::parts::{
    COMPLETES, EMPTY, FAILS, FILTERS, FINISH, IDLE, PENDS, REQUEST, TO_MIDDLE, TO_MIDDLE_PENDING,
    TO_UPPER, filter,
};
use crate::script::Actor::{Lower, Middle};
use crate::script::Step::{
    Allocate, Call, Cancel, Complete, Continue, Free, Return, SetRoutine, SetStatus, ShowIrp,
};
use crate::script::{Driver, Scenario};
use crate::show::{STATUS_BUFFER_OVERFLOW, STATUS_OBJECT_NAME_EXISTS};

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "on_success_of_a_success",
        originator: TO_MIDDLE,
        middle: filter::<SL_INVOKE_ON_SUCCESS>(Lower),
        lower: COMPLETES,
        ..EMPTY
    },
    Scenario {
        name: "on_success_of_an_error",
        originator: TO_MIDDLE,
        middle: filter::<SL_INVOKE_ON_SUCCESS>(Lower),
        lower: FAILS,
        ..EMPTY
    },
    Scenario {
        name: "on_success_of_an_informational_status",
        originator: TO_MIDDLE,
        middle: filter::<SL_INVOKE_ON_SUCCESS>(Lower),
        lower: Driver {
            dispatch: &[&[
                SetStatus(STATUS_OBJECT_NAME_EXISTS, 0),
                Complete,
                Return(STATUS_OBJECT_NAME_EXISTS),
            ]],
            ..IDLE
        },
        ..EMPTY
    },
    Scenario {
        name: "on_error_of_an_informational_status",
        originator: TO_MIDDLE,
        middle: filter::<SL_INVOKE_ON_ERROR>(Lower),
        lower: Driver {
            dispatch: &[&[
                SetStatus(STATUS_OBJECT_NAME_EXISTS, 0),
                Complete,
                Return(STATUS_OBJECT_NAME_EXISTS),
            ]],
            ..IDLE
        },
        ..EMPTY
    },
    Scenario {
        name: "on_error_of_a_warning",
        originator: TO_MIDDLE,
        middle: filter::<SL_INVOKE_ON_ERROR>(Lower),
        lower: Driver {
            dispatch: &[&[
                SetStatus(STATUS_BUFFER_OVERFLOW, 16),
                Complete,
                Return(STATUS_BUFFER_OVERFLOW),
            ]],
            ..IDLE
        },
        ..EMPTY
    },
    Scenario {
        name: "on_error_of_a_success",
        originator: TO_MIDDLE,
        middle: filter::<SL_INVOKE_ON_ERROR>(Lower),
        lower: COMPLETES,
        ..EMPTY
    },
    Scenario {
        name: "on_cancel_of_a_success",
        originator: TO_MIDDLE_PENDING,
        middle: filter::<SL_INVOKE_ON_CANCEL>(Lower),
        lower: PENDS,
        ..EMPTY
    },
    Scenario {
        name: "on_cancel_of_a_status_cancelled",
        originator: TO_MIDDLE,
        middle: filter::<SL_INVOKE_ON_CANCEL>(Lower),
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
        name: "on_cancel_of_a_cancelled_success",
        originator: &[
            Allocate(2),
            REQUEST,
            SetRoutine(SL_INVOKE_ALWAYS),
            Call(Middle),
            Cancel,
            Continue(Lower, FINISH),
            ShowIrp,
            Free,
        ],
        middle: filter::<SL_INVOKE_ON_CANCEL>(Lower),
        lower: PENDS,
        ..EMPTY
    },
    Scenario {
        name: "routine_that_turns_an_error_into_success",
        originator: TO_UPPER,
        upper: filter::<SL_INVOKE_ON_SUCCESS>(Middle),
        middle: Driver {
            routine: &[&[SetStatus(STATUS_SUCCESS, 0), Return(STATUS_SUCCESS)]],
            ..FILTERS
        },
        lower: FAILS,
        ..EMPTY
    },
];
