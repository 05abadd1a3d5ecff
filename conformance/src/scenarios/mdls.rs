//! MDLs.

use super::parts::EMPTY;
use crate::script::Scenario;
use crate::script::Step::{
    Allocate, AllocateMdl, DetachMdls, Free, FreeMdl, LockPages, UnlockPages,
};
use crate::script::Which::{First, Second};

pub(super) const SCENARIOS: &[Scenario] = &[
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
