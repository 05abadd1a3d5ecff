//! Methods that exist for the error they give: looking at a request in flight.

use super::handle::InFlight;
use super::storage::{Storage, sealed};

/// An IRP that is not in flight; see the hidden methods of [`InFlight`].
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "the lower drivers own an IRP in flight, with its context and buffer; call `.wait(at, timeout)` or `.try_complete()` and ask the `Completed` request",
    label = "in flight, so there is nothing to look at yet"
)]
pub trait NotInFlight: sealed::Sealed {}

/// These explain themselves: whoever looks for them gets a sentence instead of a missing method.
#[doc(hidden)]
impl<S: Storage> InFlight<S> {
    pub fn status(&self)
    where
        Self: NotInFlight,
    {
    }
    pub fn information(&self)
    where
        Self: NotInFlight,
    {
    }
    pub fn context(&self)
    where
        Self: NotInFlight,
    {
    }
    pub fn buffer(&self)
    where
        Self: NotInFlight,
    {
    }
}
