//! Several drivers, which forward, skip, and propagate the mark.

use wdm_irp::sys::STATUS_SUCCESS;

use super::parts::{
    COMPLETES, EMPTY, FAILS, FILTERS, FILTERS_TO_MIDDLE, FORWARDS, FORWARDS_TO_MIDDLE, PENDS,
    SKIPS, TO_MIDDLE, TO_MIDDLE_PENDING, TO_UPPER, TO_UPPER_PENDING,
};
use crate::script::Step::Return;
use crate::script::{Driver, Scenario};

pub(super) const SCENARIOS: &[Scenario] = &[
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
];
