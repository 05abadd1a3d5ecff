//! One driver, which completes inline or later.

use wdm_irp::sys::{NotificationEvent, SL_INVOKE_ALWAYS, STATUS_PENDING, STATUS_SUCCESS};

use super::parts::{
    COMPLETES, EMPTY, FAILS, FINISH, IDLE, KEEP_AND_SIGNAL, PENDS, REQUEST, TO_LOWER,
    TO_LOWER_PENDING,
};
use crate::script::Actor::Lower;
use crate::script::Limit::Forever;
use crate::script::Step::{
    Allocate, Call, Complete, Free, InitializeEvent, Mark, OnThread, Return, SetRoutine, SetStatus,
    ShowIrp, Wait,
};
use crate::script::Which::First;
use crate::script::{Driver, Errand, Scenario};
use crate::show::STATUS_BUFFER_OVERFLOW;

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "inline",
        originator: TO_LOWER,
        lower: COMPLETES,
        ..EMPTY
    },
    Scenario {
        name: "inline_error",
        originator: TO_LOWER,
        lower: FAILS,
        ..EMPTY
    },
    Scenario {
        name: "inline_warning",
        originator: TO_LOWER,
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
        name: "pended",
        originator: TO_LOWER_PENDING,
        lower: PENDS,
        ..EMPTY
    },
    Scenario {
        name: "pended_and_completed_by_the_dispatch_routine",
        originator: TO_LOWER,
        lower: Driver {
            dispatch: &[&[
                Mark,
                SetStatus(STATUS_SUCCESS, 512),
                Complete,
                Return(STATUS_PENDING),
            ]],
            ..IDLE
        },
        ..EMPTY
    },
    Scenario {
        name: "pended_and_completed_on_a_thread",
        originator: &[
            InitializeEvent(First, NotificationEvent, 0),
            Allocate(1),
            REQUEST,
            SetRoutine(SL_INVOKE_ALWAYS),
            Call(Lower),
            OnThread(&Errand {
                actor: Lower,
                steps: FINISH,
            }),
            Wait(First, Forever),
            ShowIrp,
            Free,
        ],
        routine: KEEP_AND_SIGNAL,
        lower: PENDS,
        ..EMPTY
    },
    Scenario {
        name: "long_information",
        originator: TO_LOWER,
        lower: Driver {
            dispatch: &[&[
                SetStatus(STATUS_SUCCESS, 0x1_2345_6789),
                Complete,
                Return(STATUS_SUCCESS),
            ]],
            ..IDLE
        },
        ..EMPTY
    },
];
