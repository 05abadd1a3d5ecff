//! How the sending of a request came out.
#![expect(
    clippy::inline_always,
    reason = "else a second caller pays for what the compiler keeps apart: see BENCHMARKS.md"
)]

use super::handle::InFlight;
use super::storage::{OutcomeOf, Storage};
use crate::irql::AtMostApc;
use crate::timeout::Timeout;

/// A request that has been sent.
#[must_use = "dropping a request in flight cancels and abandons it"]
pub enum Sent<S: Storage> {
    /// It was completed before the target returned; nobody waits.
    Completed(OutcomeOf<S>),
    /// It is in flight, or was just completed by another thread.
    InFlight(InFlight<S>),
}

impl<S: Storage> Sent<S> {
    /// Looks how the sending of a request came out.
    ///
    /// # Safety
    /// The caller has just sent a request in the slot of `storage`, and is its originator.
    #[inline]
    pub(crate) unsafe fn new(storage: S) -> Self {
        // INVARIANT: 1 by contract.
        let in_flight = InFlight::new(storage);
        if in_flight.slot().was_finished_inline() {
            // SAFETY: the routine has finished.
            Self::Completed(unsafe { in_flight.take_out_of_line() })
        } else {
            Self::InFlight(in_flight)
        }
    }

    /// Returns the outcome, waiting for it if need be: see [`InFlight::wait`].
    ///
    /// # Errors
    /// The request was completed with a status that is not a success.
    #[inline(always)]
    pub fn wait(self, at: impl AtMostApc, timeout: Timeout) -> OutcomeOf<S> {
        match self {
            Self::Completed(outcome) => outcome,
            Self::InFlight(in_flight) => in_flight.wait(at, timeout),
        }
    }
}

impl<S: Storage> core::fmt::Debug for Sent<S> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Completed(outcome) => f.debug_tuple("Completed").field(outcome).finish(),
            Self::InFlight(in_flight) => f.debug_tuple("InFlight").field(in_flight).finish(),
        }
    }
}
