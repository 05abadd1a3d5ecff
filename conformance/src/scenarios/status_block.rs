//! The `IO_STATUS_BLOCK` that the originator has set.

use wdm_irp::sys::{
    IRP_MJ_FLUSH_BUFFERS, IRP_MJ_PNP, IRP_MN_QUERY_PNP_DEVICE_STATE, SL_INVOKE_ALWAYS,
    STATUS_NOT_SUPPORTED, STATUS_SUCCESS,
};

use super::parts::{EMPTY, FILTERS, FORWARDS, IDLE};
use crate::script::Actor::{Lower, Middle};
use crate::script::Step::{
    Allocate, Call, Complete, Free, Next, Return, SetRoutine, SetStatus, ShowIrp,
};
use crate::script::{Driver, Scenario};

pub(super) const SCENARIOS: &[Scenario] = &[
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
];
