//! Methods that exist for the error they give: looking at a request in flight, using an IRP again
//! that is not free, and asking for a canceller where there is none.

use super::boxed::BoxedSlot;
use super::cancellable::Canceller;
use super::handle::InFlight;
use super::slot::Slot;
use super::storage::{Storage, sealed};
use crate::completed::{Completed, NotReusable};
use crate::routine::CompletionRoutine;
use crate::target::Target;

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
    pub fn reuse<P>(self) -> P
    where
        Self: NotInFlight,
    {
        unreachable!("no type is `NotInFlight`")
    }
}

/// A request whose IRP stays until its cancellers are gone; see the hidden methods of [`InFlight`].
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "this request was sent without a canceller, so that its IRP can be used again when it is completed; send it with `.send_cancellable(at)`, which gives one",
    label = "sent without a canceller"
)]
pub trait SentWithCanceller: sealed::Sealed {}

#[doc(hidden)]
impl<R: CompletionRoutine, B, T: Target> InFlight<BoxedSlot<R, B, T>> {
    pub fn canceller(&self) -> Canceller
    where
        Self: SentWithCanceller,
    {
        unreachable!("no type is `SentWithCanceller`")
    }
}

#[doc(hidden)]
impl<R: CompletionRoutine, B, T: Target> InFlight<&Slot<R, B, T>> {
    pub fn canceller(&self) -> Canceller
    where
        Self: SentWithCanceller,
    {
        unreachable!("no type is `SentWithCanceller`")
    }
}

/// A completed request that has its IRP; see the hidden method of [`Completed`].
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "IoReuseIrp: a request that was sent with a canceller gives no IRP back, because the canceller may still cancel it; take `.into_parts()` and allocate another IRP, or send the request without a canceller",
    label = "the cancellers keep the IRP"
)]
pub trait HasItsIrp {}

#[doc(hidden)]
impl<R: CompletionRoutine, B, T> Completed<R, B, T, NotReusable> {
    pub fn reuse<P>(self) -> P
    where
        Self: HasItsIrp,
    {
        unreachable!("no type is `HasItsIrp`")
    }
}
