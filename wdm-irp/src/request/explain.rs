//! Methods that exist for the error they give: a request that is sent too early.

use super::state::Request;
use crate::irp::Irp;
use crate::timeout::Timeout;

/// An IRP with a request; see the hidden methods of [`Irp`].
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "IoAllocateForward: this IRP has neither a request nor a completion routine; call a method such as `.read(buffer, offset)` and then `.on_completion(routine, context)` before it is sent",
    label = "nothing to send yet"
)]
pub trait HasRequest {}

/// These explain themselves: whoever looks for them gets a sentence instead of a missing method.
#[doc(hidden)]
impl Irp<'_> {
    pub fn send_and_wait<P>(self, _: P, _: Timeout)
    where
        Self: HasRequest,
    {
    }
    pub fn on_completion<R, C>(self, _: R, _: C)
    where
        Self: HasRequest,
    {
    }
}

/// A request that can be sent; see the hidden methods of an unarmed [`Request`].
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "IoAllocateForward: an IRP must have a completion routine before it is sent; call `.on_completion(routine, context)` on the request first",
    label = "this IRP has no completion routine"
)]
pub trait HasCompletionRoutine {}

/// These explain themselves: whoever looks for them gets a sentence instead of a missing method.
#[doc(hidden)]
impl<K, B> Request<'_, K, B> {
    pub fn send_and_wait<P, T>(self, _: P, _: Timeout) -> T
    where
        Self: HasCompletionRoutine,
    {
        unreachable!()
    }
    pub fn send_scoped<P, F, T>(self, _: P, _: F) -> T
    where
        Self: HasCompletionRoutine,
    {
        unreachable!()
    }
    pub fn send_in<S, P, T>(self, _: S, _: P) -> T
    where
        Self: HasCompletionRoutine,
    {
        unreachable!()
    }
    pub fn send_boxed<P, T>(self, _: P) -> T
    where
        Self: HasCompletionRoutine,
    {
        unreachable!()
    }
}
