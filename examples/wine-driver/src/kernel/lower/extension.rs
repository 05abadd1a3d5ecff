//! What a lower device does with its requests, as its device extension says.

use wdm_irp::sys::DEVICE_OBJECT;

/// What a device does with its requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::kernel) enum Behavior {
    /// Completes in the dispatch routine.
    Inline,
    /// Fails in the dispatch routine with `STATUS_DEVICE_BUSY`.
    Busy,
    /// Pends and completes on a worker thread.
    Pend,
    /// As `Pend`, after a while, and cannot be cancelled meanwhile.
    Slow,
    /// Pends until the request is cancelled.
    UntilCancelled,
    /// Hands the request to the device below without a completion routine of its own.
    Forward,
    /// Answers with the bytes of its own stack location.
    Record,
    /// Breaks the contract: marks pending, completes, and returns `STATUS_SUCCESS`.
    MarkAndReturnSuccess,
    /// Breaks the contract: returns `STATUS_SUCCESS` and completes later.
    ReturnSuccessAndComplete,
    /// Belongs to the conformance script.
    Script,
}

/// The device extension of a lower device.
///
/// # Invariants
/// 1. `below` is null, or a lower device that exists as long as this one does.
/// 2. A device with [`Behavior::Forward`] has `below`, and a stack location more than that device.
#[derive(Clone, Copy)]
pub(in crate::kernel) struct Extension {
    pub(in crate::kernel) behavior: Behavior,
    /// The device that [`Behavior::Forward`] forwards to.
    pub(in crate::kernel) below: *mut DEVICE_OBJECT,
}
