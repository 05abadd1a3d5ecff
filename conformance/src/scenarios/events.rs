//! Events.

use wdm_irp::sys::{
    NotificationEvent, SL_INVOKE_ALWAYS, STATUS_MORE_PROCESSING_REQUIRED, STATUS_SUCCESS,
};

use super::parts::{
    EMPTY, FILTERS, FINISH, PENDS, POLL, REQUEST, SYNCHRONIZATION_EVENT, TEN_SECONDS,
};
use crate::script::Actor::{Lower, Middle};
use crate::script::Limit::{Forever, Ticks};
use crate::script::Step::{
    Allocate, Call, Continue, Free, InitializeEvent, MarkIfPendingReturned, OnThread, Return,
    SetEvent, SetRoutine, Signal, Wait,
};
use crate::script::Which::{First, Second};
use crate::script::{Driver, Errand, Scenario};

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "notification_event",
        originator: &[
            InitializeEvent(First, NotificationEvent, 0),
            Wait(First, POLL),
            SetEvent(First),
            SetEvent(First),
            Wait(First, POLL),
            Wait(First, Forever),
            SetEvent(First),
            InitializeEvent(First, NotificationEvent, 1),
            Wait(First, POLL),
            Wait(First, POLL),
        ],
        ..EMPTY
    },
    Scenario {
        name: "synchronization_event",
        originator: &[
            InitializeEvent(First, SYNCHRONIZATION_EVENT, 0),
            Wait(First, POLL),
            SetEvent(First),
            SetEvent(First),
            Wait(First, Forever),
            Wait(First, POLL),
            SetEvent(First),
            InitializeEvent(First, SYNCHRONIZATION_EVENT, 1),
            Wait(First, POLL),
            Wait(First, POLL),
        ],
        ..EMPTY
    },
    Scenario {
        name: "time_outs",
        originator: &[
            InitializeEvent(First, NotificationEvent, 0),
            Wait(First, POLL),
            Wait(First, Ticks(-1)),
            Wait(First, Ticks(-20_000)),
            // The second of January 1601.
            Wait(First, Ticks(864_000_000_000)),
            SetEvent(First),
            Wait(First, Ticks(-20_000)),
            Wait(First, Ticks(864_000_000_000)),
        ],
        ..EMPTY
    },
    Scenario {
        name: "notification_event_of_another_thread",
        originator: &[
            InitializeEvent(First, NotificationEvent, 0),
            OnThread(&Errand {
                actor: Lower,
                steps: &[Signal(First)],
            }),
            Wait(First, Forever),
            Wait(First, POLL),
        ],
        ..EMPTY
    },
    Scenario {
        name: "synchronization_event_of_another_thread",
        originator: &[
            InitializeEvent(First, SYNCHRONIZATION_EVENT, 0),
            OnThread(&Errand {
                actor: Lower,
                steps: &[Signal(First)],
            }),
            Wait(First, TEN_SECONDS),
            Wait(First, POLL),
        ],
        ..EMPTY
    },
    Scenario {
        name: "events_in_order",
        originator: &[
            InitializeEvent(First, NotificationEvent, 0),
            InitializeEvent(Second, SYNCHRONIZATION_EVENT, 0),
            Allocate(2),
            REQUEST,
            SetRoutine(SL_INVOKE_ALWAYS),
            Call(Middle),
            Wait(Second, POLL),
            Continue(Lower, FINISH),
            Wait(Second, POLL),
            Wait(Second, POLL),
            Wait(First, POLL),
            Free,
        ],
        routine: &[&[
            Wait(Second, POLL),
            SetEvent(Second),
            SetEvent(First),
            Return(STATUS_MORE_PROCESSING_REQUIRED),
        ]],
        middle: Driver {
            routine: &[&[
                Wait(First, POLL),
                SetEvent(Second),
                MarkIfPendingReturned,
                Return(STATUS_SUCCESS),
            ]],
            ..FILTERS
        },
        lower: PENDS,
        ..EMPTY
    },
];
