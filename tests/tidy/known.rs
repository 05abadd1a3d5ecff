//! What the tree does not keep yet. A line that is no longer needed must go: the test says which.

/// Files that cite a hazard without a link.
pub(crate) const CITATIONS_WITHOUT_LINK: &[&str] = &[
    "BENCHMARKS.md",
    "conformance/differences.md",
    "examples/wine-driver/README.md",
    "examples/wine-driver/src/requests/below.rs",
    "examples/wine-driver/src/requests/completion.rs",
    "examples/wine-driver/src/requests/contract.rs",
    "examples/wine-driver/src/requests/in_flight.rs",
    "tests/hazards/irql.rs",
];

/// Files from which the imports lead back to themselves.
pub(crate) const IN_A_CIRCLE: &[&str] = &[];

/// Imports of a room that is above the importing one.
pub(crate) const IMPORTS_UPWARDS: &[&str] = &[];

/// Files that are too long.
pub(crate) const LONG: &[&str] = &[];

/// Faces of folders that hold more than modules and exports.
pub(crate) const FACES_THAT_HOLD_MORE: &[&str] = &[];

/// Files with comments beyond column 100.
pub(crate) const WIDE_COMMENTS: &[&str] = &[
    "wdm-irp/src/lib.rs",
    "wdm-irp/src/operation/handshake.rs",
    "wdm-irp/src/request/flush_shutdown.rs",
];

/// Files with words that are spelled in the British way.
pub(crate) const BRITISH_SPELLING: &[&str] = &[
    "BENCHMARKS.md",
    "README.md",
    "TESTING.md",
    "benchmarks/src/by_hand.rs",
    "benchmarks/src/count/kernel/ke.rs",
    "conformance/src/engine/ke.rs",
    "conformance/src/scenarios/parts.rs",
    "docs/hazards.md",
    "examples/quickstart.rs",
    "tests/adversarial/aliasing.rs",
    "tests/adversarial/pending.rs",
    "tests/hazards/operation.rs",
    "tests/hazards/send.rs",
    "tests/ui/hazards/h05_closure_keeps_irp.rs",
    "wdm-irp/src/buffer.rs",
    "wdm-irp/src/completed.rs",
    "wdm-irp/src/macro_support.rs",
    "wdm-irp/src/operation/handshake.rs",
    "wdm-irp/src/operation/shared.rs",
    "wdm-irp/src/routine/completing.rs",
    "wdm-irp/src/send/start.rs",
    "wdm-irp/src/sys/constants.rs",
    "wdm-irp/src/sys/ke.rs",
];
