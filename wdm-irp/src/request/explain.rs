//! Methods that exist for the error they give: an IRP that is sent before it is a request.

use crate::irp::Irp;
use crate::timeout::Timeout;

/// An IRP with a request; see the hidden methods of [`Irp`].
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "IoAllocateForward: this IRP has no request yet; call a method such as `.read(buffer, offset)` before it is sent",
    label = "nothing to send yet"
)]
pub trait HasRequest {}

/// These explain themselves: whoever looks for them gets a sentence instead of a missing method.
#[doc(hidden)]
impl<T> Irp<T> {
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
