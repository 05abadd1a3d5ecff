//! Where the slot of a request in flight is.

use super::slot::Slot;
use crate::completed::Completed;
use crate::routine::CompletionRoutine;
use crate::target::Target;

pub(super) mod sealed {
    pub trait Sealed {}
}

/// Where the slot of a request in flight is.
pub trait Storage: sealed::Sealed + Sized {
    /// The completion routine of the request.
    type Routine: CompletionRoutine;
    /// The buffer of the request.
    type Buffer;
    /// The target of the request.
    type Target: Target;
    /// [`Reusable`](super::Reusable) if the IRP comes back with the completed request, else
    /// [`NotReusable`](super::NotReusable).
    type Irp;

    /// Returns the slot. No reference: it may be freed while another thread leaves it.
    #[doc(hidden)]
    fn slot(&self) -> *const Slot<Self::Routine, Self::Buffer, Self::Target>;

    /// Takes the completed request out, and leaves the slot.
    ///
    /// # Safety
    /// The caller is the originator of a request in the slot, and the routine has signaled or
    /// finished.
    #[doc(hidden)]
    unsafe fn take(self, timed_out: bool) -> CompletedOf<Self>;

    /// Leaves the slot with a request in flight, which has been cancelled.
    ///
    /// # Safety
    /// The caller is the originator of a request in the slot, and does not use it again.
    #[doc(hidden)]
    unsafe fn abandon(self);
}

/// The completed request of a storage.
pub(super) type CompletedOf<S> = Completed<
    <S as Storage>::Routine,
    <S as Storage>::Buffer,
    <S as Storage>::Target,
    <S as Storage>::Irp,
>;

/// How the request of a storage came out.
pub type OutcomeOf<S> = crate::completed::Outcome<
    <S as Storage>::Routine,
    <S as Storage>::Buffer,
    <S as Storage>::Target,
    <S as Storage>::Irp,
>;
