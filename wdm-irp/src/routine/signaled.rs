//! The token that a completion routine owes.

use core::marker::PhantomData;

/// Ties a value to one invocation of a completion routine: invariant, so no two invocations' values
/// can be mixed.
pub(super) type Invocation<'irp> = PhantomData<fn(&'irp ()) -> &'irp ()>;

/// Neither Send nor Sync, and named for the error message.
trait ATokenIsReturnedByItsOwnInvocation {}

/// The proof that a completion routine has signaled or finished: what every path of it returns.
///
/// Rule `IoAllocateIrpSignalEventInCompletion2`: when `PendingReturned` is set, `KeSetEvent` must
/// be called. So there are three ways to a token, each of which consumes the IRP:
/// [`signal`](crate::routine::Completing::signal) where it is set,
/// [`finish`](crate::routine::Completing::finish) where it is not, and
/// [`signal_if_pended`](crate::routine::Completing::signal_if_pended) for both. If the compiler
/// expects a `Signaled<'_>` and finds something else, that path forgets its waiter: end it with one
/// of the three.
///
/// A token cannot be kept: `'irp` ends with the invocation.
#[must_use = "the completion routine must return it"]
#[derive(Debug)]
pub struct Signaled<'irp> {
    _invocation: Invocation<'irp>,
    _this_thread: PhantomData<dyn ATokenIsReturnedByItsOwnInvocation>,
}

/// Makes the token of an invocation, for a handle that has signaled or finished and is gone.
///
/// No associated function: the compiler would offer it to whoever forges a token.
pub(super) fn token(invocation: Invocation<'_>) -> Signaled<'_> {
    Signaled {
        _invocation: invocation,
        _this_thread: PhantomData,
    }
}
