//! `STATUS_MORE_PROCESSING_REQUIRED` below the originator.

use wdm_irp::sys::{
    NotificationEvent, SL_INVOKE_ALWAYS, STATUS_DEVICE_BUSY, STATUS_MORE_PROCESSING_REQUIRED,
    STATUS_PENDING, STATUS_SUCCESS,
};

use super::parts::{
    COMPLETES, EMPTY, FILTERS, FINISH, FINISH_BUSY, IDLE, KEEP, KEEP_AND_SIGNAL, PENDS, REQUEST,
    TO_MIDDLE,
};
use crate::script::Actor::{Lower, Middle};
use crate::script::Limit::Forever;
use crate::script::Step::{
    Allocate, Call, Complete, Continue, Copy, Free, Hold, InitializeEvent, Mark,
    MarkIfPendingReturned, OnThread, Return, SetRoutine, SetStatus, ShowIrp, ShowLocation, Wait,
};
use crate::script::Which::First;
use crate::script::{Driver, Errand, Scenario};

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "filter_completes_after_the_lower_driver",
        originator: TO_MIDDLE,
        middle: Driver {
            dispatch: &[&[
                Copy,
                SetRoutine(SL_INVOKE_ALWAYS),
                Call(Lower),
                ShowIrp,
                ShowLocation,
                SetStatus(STATUS_SUCCESS, 7),
                Complete,
                Return(STATUS_SUCCESS),
            ]],
            routine: KEEP,
            ..IDLE
        },
        lower: COMPLETES,
        ..EMPTY
    },
    Scenario {
        name: "filter_waits_for_the_lower_driver",
        originator: TO_MIDDLE,
        middle: Driver {
            dispatch: &[&[
                InitializeEvent(First, NotificationEvent, 0),
                Copy,
                SetRoutine(SL_INVOKE_ALWAYS),
                Call(Lower),
                OnThread(&Errand {
                    actor: Lower,
                    steps: FINISH,
                }),
                Wait(First, Forever),
                ShowIrp,
                Complete,
                Return(STATUS_SUCCESS),
            ]],
            routine: KEEP_AND_SIGNAL,
            ..IDLE
        },
        lower: PENDS,
        ..EMPTY
    },
    Scenario {
        name: "filter_completes_later",
        originator: &[
            Allocate(2),
            REQUEST,
            SetRoutine(SL_INVOKE_ALWAYS),
            Call(Middle),
            Continue(Lower, FINISH_BUSY),
            Continue(Middle, &[ShowIrp, SetStatus(STATUS_SUCCESS, 3), Complete]),
            ShowIrp,
            Free,
        ],
        middle: Driver {
            dispatch: &[&[
                Mark,
                Copy,
                SetRoutine(SL_INVOKE_ALWAYS),
                Call(Lower),
                Return(STATUS_PENDING),
            ]],
            routine: &[&[Hold, Return(STATUS_MORE_PROCESSING_REQUIRED)]],
            ..IDLE
        },
        lower: PENDS,
        ..EMPTY
    },
    Scenario {
        name: "filter_sends_again",
        originator: TO_MIDDLE,
        middle: Driver {
            routine: &[
                &[
                    Copy,
                    SetRoutine(SL_INVOKE_ALWAYS),
                    Call(Lower),
                    Return(STATUS_MORE_PROCESSING_REQUIRED),
                ],
                &[MarkIfPendingReturned, Return(STATUS_SUCCESS)],
            ],
            ..FILTERS
        },
        lower: Driver {
            dispatch: &[
                &[
                    SetStatus(STATUS_DEVICE_BUSY, 0),
                    Complete,
                    Return(STATUS_DEVICE_BUSY),
                ],
                &[
                    SetStatus(STATUS_SUCCESS, 512),
                    Complete,
                    Return(STATUS_SUCCESS),
                ],
            ],
            ..IDLE
        },
        ..EMPTY
    },
];
