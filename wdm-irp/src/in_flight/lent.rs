//! Slots that are lent to a request: static ones, and the local one of `send_scoped`.

use core::ffi::c_void;

use super::at_end::AtEnd;
use super::slot::{Slot, address};
use super::storage::{Storage, sealed};
use crate::completed::{Completed, Reusable};
use crate::error::NotSent;
use crate::request::{Request, Transfer};
use crate::routine::{CompletionRoutine, run, trampoline};
use crate::sys::{self, DEVICE_OBJECT, IRP, NTSTATUS};
use crate::target::Target;

impl<R: CompletionRoutine, B, T: Target> sealed::Sealed for &Slot<R, B, T> {}
impl<R: CompletionRoutine, B, T: Target> Storage for &Slot<R, B, T> {
    type Routine = R;
    type Buffer = B;
    type Target = T;
    type Irp = Reusable;

    #[inline]
    fn slot(&self) -> *const Slot<R, B, T> {
        address(self)
    }

    #[inline]
    unsafe fn take(self, timed_out: bool) -> Completed<R, B, T> {
        // SAFETY: by contract.
        let completed = unsafe { Slot::take(self, timed_out) };
        // INVARIANT: 3 of `Slot`, everything has been moved out.
        self.release();
        completed
    }

    unsafe fn abandon(self) {
        // If it is scoped, its scope waits for it.
        if !self.shares.is_scoped() && self.shares.abandon_static() {
            // SAFETY: the originator leaves, by contract, and the routine has left.
            unsafe { self.end_static() };
        }
    }
}

impl<R: CompletionRoutine, B, T: Target> Slot<R, B, T> {
    /// Sends a request that `send_scoped` waits for.
    ///
    /// # Safety
    /// The slot is made by [`Slot::scoped`], empty, and stays where it is until
    /// [`Slot::end_scope`]. The IRQL is one at which the request may be sent.
    #[inline]
    pub(crate) unsafe fn send_scoped<K: Transfer<B>>(
        &self,
        request: Request<T, K, B, R>,
    ) -> Result<(), NotSent<Request<T, K, B, R>>> {
        let callback = Self::callback(self, Some(trampoline::<R>));
        let begin = |slot: &Self| {
            // SAFETY: the slot is the caller's, by contract.
            unsafe { slot.begin() };
        };
        // SAFETY: by contract; an operation is the first field of its slot.
        unsafe { self.send(request, callback, begin) }
    }

    /// Sends a request that the last of handle and routine ends.
    ///
    /// # Safety
    /// The slot was claimed. The IRQL is one at which the request may be sent.
    #[inline]
    pub(crate) unsafe fn send_static<K: Transfer<B>>(
        &'static self,
        request: Request<T, K, B, R>,
    ) -> Result<(), NotSent<Request<T, K, B, R>>> {
        let callback = Self::callback(self, Some(static_trampoline::<R, B, T>));
        let begin = |slot: &Self| {
            slot.shares.enter_static();
            // SAFETY: the slot was claimed, by contract.
            unsafe { slot.begin() };
        };
        // SAFETY: by contract; the slot is static, and static slots are only shared.
        unsafe { self.send(request, callback, begin) }
    }

    /// Ends an abandoned request, and frees the slot for the next one.
    ///
    /// # Safety
    /// The caller is the last of handle and routine.
    unsafe fn end_static(&self) {
        // Released also if the drop of the contents unwinds, as it may outside of the routine.
        let released = AtEnd(|| {
            self.shares.reset();
            // INVARIANT: 3 of `Slot`, nothing is in it.
            self.release();
        });
        // SAFETY: by contract the request is completed and nobody else's.
        let of_target = unsafe { self.drop_contents() };
        drop(released);
        drop(of_target);
    }
}

/// What the I/O manager calls for a request in a static slot.
///
/// # Safety
/// `context` is the address of a static slot with a request in flight, whose routine is `R` and
/// whose IRP is `irp`; the routine has not run for it yet.
unsafe extern "system" fn static_trampoline<R: CompletionRoutine, B, T: Target>(
    device: *mut DEVICE_OBJECT,
    irp: *mut IRP,
    context: *mut c_void,
) -> NTSTATUS {
    // SAFETY: an operation is the first field of its slot; the rest by contract.
    unsafe { run::<R>(device, irp, context) };
    // SAFETY: static, and only shared, by contract.
    let slot = unsafe { &*context.cast::<Slot<R, B, T>>() };
    if slot.shares.routine_leaves_static() {
        // SAFETY: the handle has left the contents behind, and every routine has left.
        unsafe { slot.end_static() };
    }
    sys::STATUS_MORE_PROCESSING_REQUIRED
}
