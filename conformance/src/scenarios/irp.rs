//! The IRP itself: as it is allocated, with an own location, sent again.

use wdm_irp::sys::{SL_INVOKE_ALWAYS, STATUS_PENDING, STATUS_SUCCESS};

use super::parts::{COMPLETES, EMPTY, FILTERS, FINISH, FINISH_BUSY, IDLE, PENDS, REQUEST};
use crate::script::Actor::{Lower, Middle};
use crate::script::Step::{
    Allocate, Call, Complete, Continue, Free, Hold, Mark, OwnLocation, Return, SetRoutine,
    SetStatus, ShowIrp, ShowLocation,
};
use crate::script::{Driver, Scenario};

pub(super) const SCENARIOS: &[Scenario] = &[
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
];
