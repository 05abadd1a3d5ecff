//! Requests on a thread's stack that other threads may cancel.

use core::cell::UnsafeCell;
use core::marker::PhantomData;

use super::slot::Slot;
use super::storage::{Storage, sealed};
use crate::completed::{Completed, NotReusable};
use crate::error::NotSent;
use crate::irp::Allocated;
use crate::request::{Request, Transfer};
use crate::routine::CompletionRoutine;
use crate::sys::{self, IRP};
use crate::target::Target;

/// The right to cancel a request of
/// [`send_scoped_cancellable`](crate::request::Request::send_scoped_cancellable), from any thread
/// that the scope waits for, also after the completion of the request, when it has no effect.
///
/// # Invariants
/// 1. The IRP came from `IoAllocateIrp`, and is not freed during `'s`.
#[derive(Clone, Copy, Debug)]
pub struct ScopedCanceller<'s> {
    irp: *mut IRP,
    _scope: PhantomData<&'s ()>,
}

// SAFETY: any thread may cancel an IRP.
unsafe impl Send for ScopedCanceller<'_> {}
// SAFETY: shared access calls IoCancelIrp, which any number of threads may.
unsafe impl Sync for ScopedCanceller<'_> {}

impl ScopedCanceller<'_> {
    /// Asks the lower drivers to complete the request soon (`IoCancelIrp`). IRQL <=
    /// `DISPATCH_LEVEL`.
    ///
    /// The completion routine may run on this thread: see
    /// [`InFlight::cancel`](super::InFlight::cancel).
    pub fn cancel(&self) {
        // SAFETY: the IRP is not freed as long as this value can be used (invariant 1).
        unsafe { sys::IoCancelIrp(self.irp) };
    }
}

/// A slot on a thread's stack whose IRP stays until the end of the scope.
///
/// # Invariants
/// 1. `irp` is the originator's alone.
pub struct ScopedSlot<R: CompletionRoutine, B, T: Target> {
    slot: Slot<R, B, T>,
    irp: UnsafeCell<Option<Allocated>>,
}

// SAFETY: the handle, which may go to another thread, is the only one that uses `irp`.
unsafe impl<R: CompletionRoutine, B: Send, T: Target + Send> Sync for ScopedSlot<R, B, T> {}

impl<R: CompletionRoutine, B, T: Target> ScopedSlot<R, B, T> {
    /// Makes an empty slot.
    pub(crate) const fn new() -> Self {
        Self {
            slot: Slot::scoped(),
            irp: UnsafeCell::new(None),
        }
    }

    /// Sends a request.
    ///
    /// # Safety
    /// The slot is empty, and stays where it is until [`ScopedSlot::end_scope`]. The IRQL is one at
    /// which the request may be sent.
    pub(crate) unsafe fn send<K: Transfer<B>>(
        &self,
        request: Request<T, K, B, R>,
    ) -> Result<(), NotSent<Request<T, K, B, R>>> {
        // SAFETY: by contract.
        unsafe { self.slot.send_scoped(request) }
    }

    /// Returns the right to cancel the request.
    ///
    /// # Safety
    /// A request was sent; the scope does not end during `'s`.
    pub(crate) unsafe fn canceller<'s>(&self) -> ScopedCanceller<'s> {
        ScopedCanceller {
            // SAFETY: sent, by contract, and not taken yet.
            irp: unsafe { self.slot.irp() },
            _scope: PhantomData,
        }
    }

    /// Ends the use of the slot: see [`Slot::end_scope`].
    ///
    /// # Safety
    /// As for [`Slot::end_scope`]; there is no canceller any more.
    pub(crate) unsafe fn end_scope(&self) {
        // SAFETY: by contract.
        unsafe { self.slot.end_scope() };
        // SAFETY: the handle, if there is one still, is not used again (invariant 1).
        drop(unsafe { &mut *self.irp.get() }.take());
    }
}

impl<R: CompletionRoutine, B, T: Target> sealed::Sealed for &ScopedSlot<R, B, T> {}
impl<R: CompletionRoutine, B, T: Target> Storage for &ScopedSlot<R, B, T> {
    type Routine = R;
    type Buffer = B;
    type Target = T;
    type Irp = NotReusable;

    fn slot(&self) -> *const Slot<R, B, T> {
        &raw const self.slot
    }

    unsafe fn take(self, timed_out: bool) -> Completed<R, B, T, NotReusable> {
        // SAFETY: by contract.
        let (completed, irp) = unsafe { Storage::take(&self.slot, timed_out) }.without_irp();
        // SAFETY: the caller is the originator (invariant 1), and the only user of `irp`.
        unsafe { *self.irp.get() = Some(irp) };
        completed
    }

    unsafe fn abandon(self) {
        // The scope waits for it.
    }
}
