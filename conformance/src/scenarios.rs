//! The script.

use wdm_irp::sys::{
    IRP_MJ_FLUSH_BUFFERS, IRP_MJ_INTERNAL_DEVICE_CONTROL, IRP_MJ_PNP,
    IRP_MN_QUERY_PNP_DEVICE_STATE, NotificationEvent, SL_INVOKE_ALWAYS, SL_INVOKE_ON_CANCEL,
    SL_INVOKE_ON_ERROR, SL_INVOKE_ON_SUCCESS, STATUS_CANCELLED, STATUS_DEVICE_BUSY,
    STATUS_MORE_PROCESSING_REQUIRED, STATUS_NOT_SUPPORTED, STATUS_PENDING, STATUS_SUCCESS,
};

use crate::script::Actor::{Lower, Middle, Upper};
use crate::script::Limit::{Forever, Ticks};
use crate::script::Step::{
    AcquireCancelLock, Allocate, AllocateMdl, Call, Cancel, Complete, Continue, Copy, DetachMdls,
    Free, FreeMdl, Hold, InitializeEvent, LockPages, Mark, MarkIfPendingReturned, Next, OnThread,
    OwnLocation, ReleaseCancelLock, Return, ReturnCalled, SetCancelRoutine, SetEvent, SetRoutine,
    SetStatus, ShowIrp, ShowIrql, ShowLocation, Signal, Skip, UnlockPages, Wait,
};
use crate::script::Which::{First, Second};
use crate::script::{Driver, Errand, Scenario, Step};
use crate::show::{STATUS_BUFFER_OVERFLOW, STATUS_OBJECT_NAME_EXISTS};

/// `EVENT_TYPE` of an event that is reset by the wait it satisfies.
const SYNCHRONIZATION_EVENT: i32 = 1;

/// An unremarkable request.
const REQUEST: Step = Next(IRP_MJ_INTERNAL_DEVICE_CONTROL, 0);

/// A wait that does not last.
const POLL: crate::script::Limit = Ticks(0);

/// Ten seconds: longer than anything takes that comes at all.
const TEN_SECONDS: crate::script::Limit = Ticks(-100_000_000);

/// The completion routine of a driver-allocated IRP.
const KEEP: &[&[Step]] = &[&[Return(STATUS_MORE_PROCESSING_REQUIRED)]];

/// As [`KEEP`], and the first event is signalled, whether somebody waits or not.
const KEEP_AND_SIGNAL: &[&[Step]] = &[&[Signal(First), Return(STATUS_MORE_PROCESSING_REQUIRED)]];

const TO_LOWER: &[Step] = &[
    Allocate(1),
    REQUEST,
    SetRoutine(SL_INVOKE_ALWAYS),
    Call(Lower),
    ShowIrp,
    Free,
];
const TO_MIDDLE: &[Step] = &[
    Allocate(2),
    REQUEST,
    SetRoutine(SL_INVOKE_ALWAYS),
    Call(Middle),
    ShowIrp,
    Free,
];
const TO_UPPER: &[Step] = &[
    Allocate(3),
    REQUEST,
    SetRoutine(SL_INVOKE_ALWAYS),
    Call(Upper),
    ShowIrp,
    Free,
];

/// What a driver does that has held an IRP.
const FINISH: &[Step] = &[SetStatus(STATUS_SUCCESS, 512), Complete];
const FINISH_BUSY: &[Step] = &[SetStatus(STATUS_DEVICE_BUSY, 0), Complete];

/// As [`TO_LOWER`], and the lower driver completes the IRP afterwards.
const TO_LOWER_PENDING: &[Step] = &[
    Allocate(1),
    REQUEST,
    SetRoutine(SL_INVOKE_ALWAYS),
    Call(Lower),
    Continue(Lower, FINISH),
    ShowIrp,
    Free,
];
const TO_MIDDLE_PENDING: &[Step] = &[
    Allocate(2),
    REQUEST,
    SetRoutine(SL_INVOKE_ALWAYS),
    Call(Middle),
    Continue(Lower, FINISH),
    ShowIrp,
    Free,
];
const TO_UPPER_PENDING: &[Step] = &[
    Allocate(3),
    REQUEST,
    SetRoutine(SL_INVOKE_ALWAYS),
    Call(Upper),
    Continue(Lower, FINISH),
    ShowIrp,
    Free,
];

/// A driver that gets no requests.
const IDLE: Driver = Driver {
    dispatch: &[],
    routine: &[],
    cancel: &[],
};

/// Completes in its dispatch routine.
const COMPLETES: Driver = Driver {
    dispatch: &[&[
        SetStatus(STATUS_SUCCESS, 512),
        Complete,
        Return(STATUS_SUCCESS),
    ]],
    ..IDLE
};

/// Fails in its dispatch routine.
const FAILS: Driver = Driver {
    dispatch: &[&[
        SetStatus(STATUS_DEVICE_BUSY, 0),
        Complete,
        Return(STATUS_DEVICE_BUSY),
    ]],
    ..IDLE
};

/// Pends, and is told by the script when to go on.
const PENDS: Driver = Driver {
    dispatch: &[&[Mark, Hold, Return(STATUS_PENDING)]],
    ..IDLE
};

/// Pends, and can be cancelled.
const CANCELLABLE: Driver = Driver {
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
const FORWARDS: Driver = Driver {
    dispatch: &[&[Copy, Call(Lower), ReturnCalled]],
    ..IDLE
};

/// Passes the IRP to the lower driver in its own location.
const SKIPS: Driver = Driver {
    dispatch: &[&[Skip, Call(Lower), ReturnCalled]],
    ..IDLE
};

/// Passes the IRP to the lower driver and has a routine that propagates the mark.
const FILTERS: Driver = filter::<SL_INVOKE_ALWAYS>(Lower);

/// As [`FORWARDS`], to the middle driver.
const FORWARDS_TO_MIDDLE: Driver = Driver {
    dispatch: &[&[Copy, Call(Middle), ReturnCalled]],
    ..IDLE
};

/// As [`FILTERS`], to the middle driver.
const FILTERS_TO_MIDDLE: Driver = filter::<SL_INVOKE_ALWAYS>(Middle);

/// A filter driver whose routine is registered for these outcomes.
const fn filter<const CONTROL: u8>(below: crate::script::Actor) -> Driver {
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
const EMPTY: Scenario = Scenario {
    name: "",
    originator: &[],
    routine: KEEP,
    upper: IDLE,
    middle: IDLE,
    lower: IDLE,
};

/// Every scenario.
pub static SCENARIOS: &[Scenario] = &[
    // --- The IRP itself ---
    Scenario {
        name: "irp_as_allocated",
        originator: &[
            Allocate(1),
            ShowIrp,
            Free,
            Allocate(2),
            ShowIrp,
            Free,
            Allocate(9),
            ShowIrp,
            Free,
        ],
        ..EMPTY
    },
    Scenario {
        name: "own_location",
        originator: &[
            Allocate(2),
            OwnLocation,
            ShowIrp,
            ShowLocation,
            REQUEST,
            SetRoutine(SL_INVOKE_ALWAYS),
            Call(Lower),
            ShowIrp,
            ShowLocation,
            Free,
        ],
        lower: COMPLETES,
        ..EMPTY
    },
    Scenario {
        name: "own_location_of_a_pended_irp",
        originator: &[
            Allocate(2),
            OwnLocation,
            REQUEST,
            SetRoutine(SL_INVOKE_ALWAYS),
            Call(Lower),
            Continue(Lower, FINISH),
            ShowIrp,
            ShowLocation,
            Free,
        ],
        lower: PENDS,
        ..EMPTY
    },
    Scenario {
        name: "more_locations_than_devices",
        originator: &[
            Allocate(4),
            REQUEST,
            SetRoutine(SL_INVOKE_ALWAYS),
            Call(Middle),
            ShowIrp,
            Free,
        ],
        middle: FILTERS,
        lower: COMPLETES,
        ..EMPTY
    },
    Scenario {
        name: "sent_again",
        originator: &[
            Allocate(1),
            REQUEST,
            SetRoutine(SL_INVOKE_ALWAYS),
            Call(Lower),
            Continue(Lower, FINISH_BUSY),
            ShowIrp,
            REQUEST,
            SetRoutine(SL_INVOKE_ALWAYS),
            Call(Lower),
            ShowIrp,
            Free,
        ],
        lower: Driver {
            dispatch: &[
                &[Mark, Hold, Return(STATUS_PENDING)],
                &[
                    SetStatus(STATUS_SUCCESS, 1),
                    Complete,
                    Return(STATUS_SUCCESS),
                ],
            ],
            ..IDLE
        },
        ..EMPTY
    },
    // --- One driver ---
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
    // --- Several drivers ---
    Scenario {
        name: "filter_inline",
        originator: TO_MIDDLE,
        middle: FILTERS,
        lower: COMPLETES,
        ..EMPTY
    },
    Scenario {
        name: "filter_pended",
        originator: TO_MIDDLE_PENDING,
        middle: FILTERS,
        lower: PENDS,
        ..EMPTY
    },
    Scenario {
        name: "filter_that_does_not_propagate",
        originator: TO_MIDDLE_PENDING,
        middle: Driver {
            routine: &[&[Return(STATUS_SUCCESS)]],
            ..FILTERS
        },
        lower: PENDS,
        ..EMPTY
    },
    Scenario {
        name: "forwarded_inline",
        originator: TO_MIDDLE,
        middle: FORWARDS,
        lower: COMPLETES,
        ..EMPTY
    },
    Scenario {
        name: "forwarded_pended",
        originator: TO_MIDDLE_PENDING,
        middle: FORWARDS,
        lower: PENDS,
        ..EMPTY
    },
    Scenario {
        name: "skipped_inline",
        originator: TO_MIDDLE,
        middle: SKIPS,
        lower: COMPLETES,
        ..EMPTY
    },
    Scenario {
        name: "skipped_pended",
        originator: TO_MIDDLE_PENDING,
        middle: SKIPS,
        lower: PENDS,
        ..EMPTY
    },
    Scenario {
        name: "three_devices_inline",
        originator: TO_UPPER,
        upper: FILTERS_TO_MIDDLE,
        middle: FILTERS,
        lower: FAILS,
        ..EMPTY
    },
    Scenario {
        name: "three_devices_pended",
        originator: TO_UPPER_PENDING,
        upper: FILTERS_TO_MIDDLE,
        middle: FILTERS,
        lower: PENDS,
        ..EMPTY
    },
    Scenario {
        name: "three_devices_pended_routine_at_the_top_only",
        originator: TO_UPPER_PENDING,
        upper: FILTERS_TO_MIDDLE,
        middle: FORWARDS,
        lower: PENDS,
        ..EMPTY
    },
    Scenario {
        name: "three_devices_pended_routine_in_the_middle_only",
        originator: TO_UPPER_PENDING,
        upper: FORWARDS_TO_MIDDLE,
        middle: FILTERS,
        lower: PENDS,
        ..EMPTY
    },
    Scenario {
        name: "three_devices_pended_no_routine",
        originator: TO_UPPER_PENDING,
        upper: FORWARDS_TO_MIDDLE,
        middle: FORWARDS,
        lower: PENDS,
        ..EMPTY
    },
    // --- Which routines are called ---
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
    // --- STATUS_MORE_PROCESSING_REQUIRED below the originator ---
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
    // --- Cancellation ---
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
    // --- The IO_STATUS_BLOCK that the originator has set ---
    Scenario {
        name: "pnp_not_handled",
        originator: &[
            Allocate(2),
            Next(IRP_MJ_PNP, IRP_MN_QUERY_PNP_DEVICE_STATE),
            SetStatus(STATUS_NOT_SUPPORTED, 0),
            SetRoutine(SL_INVOKE_ALWAYS),
            Call(Middle),
            ShowIrp,
            Free,
        ],
        middle: FILTERS,
        lower: Driver {
            dispatch: &[&[ShowIrp, Complete, Return(STATUS_NOT_SUPPORTED)]],
            ..IDLE
        },
        ..EMPTY
    },
    Scenario {
        name: "pnp_handled",
        originator: &[
            Allocate(2),
            Next(IRP_MJ_PNP, IRP_MN_QUERY_PNP_DEVICE_STATE),
            SetStatus(STATUS_NOT_SUPPORTED, 0),
            SetRoutine(SL_INVOKE_ALWAYS),
            Call(Middle),
            ShowIrp,
            Free,
        ],
        middle: FORWARDS,
        lower: Driver {
            dispatch: &[&[
                SetStatus(STATUS_SUCCESS, 2),
                Complete,
                Return(STATUS_SUCCESS),
            ]],
            ..IDLE
        },
        ..EMPTY
    },
    Scenario {
        name: "flush",
        originator: &[
            Allocate(1),
            Next(IRP_MJ_FLUSH_BUFFERS, 0),
            SetRoutine(SL_INVOKE_ALWAYS),
            Call(Lower),
            ShowIrp,
            Free,
        ],
        lower: Driver {
            dispatch: &[&[
                SetStatus(STATUS_SUCCESS, 0),
                Complete,
                Return(STATUS_SUCCESS),
            ]],
            ..IDLE
        },
        ..EMPTY
    },
    // --- Events ---
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
    // --- MDLs ---
    Scenario {
        name: "mdl_fields",
        originator: &[
            AllocateMdl(First, 0, 4096, None),
            FreeMdl(First),
            AllocateMdl(First, 100, 16, None),
            FreeMdl(First),
            AllocateMdl(First, 4095, 2, None),
            FreeMdl(First),
            AllocateMdl(First, 5000, 10_000, None),
            FreeMdl(First),
        ],
        ..EMPTY
    },
    Scenario {
        name: "mdl_chain",
        originator: &[
            Allocate(1),
            AllocateMdl(First, 0, 512, Some(false)),
            AllocateMdl(Second, 8192, 512, Some(true)),
            DetachMdls,
            FreeMdl(Second),
            FreeMdl(First),
            Free,
        ],
        ..EMPTY
    },
    Scenario {
        name: "mdl_replaced",
        originator: &[
            Allocate(1),
            AllocateMdl(First, 0, 512, Some(false)),
            AllocateMdl(Second, 8192, 512, Some(false)),
            DetachMdls,
            FreeMdl(Second),
            FreeMdl(First),
            Free,
        ],
        ..EMPTY
    },
    Scenario {
        name: "mdl_locked",
        originator: &[
            AllocateMdl(First, 512, 512, None),
            LockPages(First),
            UnlockPages(First),
            FreeMdl(First),
        ],
        ..EMPTY
    },
];
