//! A method that exists for the error it gives: the reuse of an IRP that others may still cancel.

use super::{Completed, NotReusable};
use crate::routine::CompletionRoutine;

/// A completed request that has its IRP; see the hidden method of [`Completed`].
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "IoReuseIrp: a request that was sent with a canceller gives no IRP back, because the canceller may still cancel it; take `.into_parts()` and allocate another IRP, or send the request without a canceller",
    label = "the cancellers keep the IRP"
)]
pub trait HasItsIrp {}

/// Never callable: explains what is missing.
#[doc(hidden)]
impl<R: CompletionRoutine, B, T> Completed<R, B, T, NotReusable> {
    pub fn reuse<P>(self) -> P
    where
        Self: HasItsIrp,
    {
        unreachable!("no type is `HasItsIrp`")
    }
}
