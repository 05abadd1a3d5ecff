//! When a modeled driver completes a request.

use wdm_irp::sys::{NTSTATUS, PASSIVE_LEVEL};

use crate::sync::Duration;

/// Who completes the IRP, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Completion {
    /// The dispatch routine.
    Inline,
    /// Another thread, before the dispatch routine returns.
    BeforeReturn,
    /// Another thread, this much later.
    After(Duration),
    /// The test, by [`Device::complete_next`](crate::Device::complete_next), or nobody.
    Triggered,
}

/// When a driver completes a request, and what its dispatch routine returns.
///
/// Without [`unmarked`](Self::unmarked) and [`returning`](Self::returning) the driver keeps to its
/// contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct When {
    pub(super) completion: Completion,
    pub(super) marked: bool,
    pub(super) cancelable: bool,
    pub(super) returns: Option<NTSTATUS>,
    pub(super) inline_irql: u8,
}

impl When {
    const fn pending(completion: Completion) -> Self {
        Self {
            completion,
            marked: true,
            cancelable: false,
            returns: None,
            inline_irql: PASSIVE_LEVEL,
        }
    }

    /// Completes in the dispatch routine, which returns the status.
    pub const fn inline() -> Self {
        Self {
            marked: false,
            ..Self::pending(Completion::Inline)
        }
    }

    /// Completes in the dispatch routine, which marks the IRP pending and returns `STATUS_PENDING`.
    pub const fn inline_marked() -> Self {
        Self::pending(Completion::Inline)
    }

    /// Completes on another thread, after a delay.
    pub const fn after(delay: Duration) -> Self {
        Self::pending(Completion::After(delay))
    }

    /// Completes on another thread, before the dispatch routine returns `STATUS_PENDING`.
    pub const fn before_return() -> Self {
        Self::pending(Completion::BeforeReturn)
    }

    /// Completes when the test calls [`Device::complete_next`](crate::Device::complete_next).
    pub const fn triggered() -> Self {
        Self::pending(Completion::Triggered)
    }

    /// Completes when the request is cancelled.
    pub const fn cancelled() -> Self {
        Self::triggered().cancelable()
    }

    /// Sets a cancel routine while the driver holds the IRP; without one it ignores a cancellation.
    pub const fn cancelable(mut self) -> Self {
        self.cancelable = true;
        self
    }

    /// Does not mark the IRP pending: a breach of contract unless it is completed inline.
    pub const fn unmarked(mut self) -> Self {
        self.marked = false;
        self
    }

    /// Raises the IRQL to this level for a completion in the dispatch routine: the originator's
    /// completion routine runs there, on the originator's own thread.
    ///
    /// For completions on other threads see [`Behavior::at_irql`](crate::Behavior::at_irql).
    pub const fn raised_to(mut self, level: u8) -> Self {
        self.inline_irql = level;
        self
    }

    /// Returns this from the dispatch routine, whatever it should: a breach of contract.
    pub const fn returning(mut self, status: NTSTATUS) -> Self {
        self.returns = Some(status);
        self
    }
}
