//! A slot in an allocation of its own.
#![expect(
    clippy::inline_always,
    reason = "else a second caller pays for what the compiler keeps apart: see BENCHMARKS.md"
)]

use core::ffi::c_void;
use core::ptr::NonNull;

use super::at_end::AtEnd;
use super::shares::RoutineLeaves;
use super::slot::Slot;
use super::storage::{Storage, sealed};
use crate::completed::{Completed, Reusable};
use crate::error::{IrpError, NotSent};
use crate::pool;
use crate::request::{Request, Transfer};
use crate::routine::{CompletionRoutine, run};
use crate::sys::{self, DEVICE_OBJECT, IRP, NTSTATUS};
use crate::target::{Target, TargetDevice};

/// A slot in nonpaged pool, with a request in flight. The last of its handle and its completion
/// routine frees it.
///
/// # Invariants
/// 1. `slot` is an allocation of the pool with a request in it; this value is its handle.
pub struct BoxedSlot<R: CompletionRoutine, B, T: Target = TargetDevice> {
    slot: NonNull<Slot<R, B, T>>,
}

impl<R: CompletionRoutine, B, T: Target> BoxedSlot<R, B, T> {
    /// Sends a request from a slot of its own.
    ///
    /// # Safety
    /// The IRQL is one at which the request may be sent. All contents may outlive the call, and may
    /// be dropped by another thread.
    #[inline(always)]
    pub(crate) unsafe fn send<K: Transfer<B>>(
        request: Request<T, K, B, R>,
    ) -> Result<Self, NotSent<Request<T, K, B, R>>> {
        let Some(slot) = pool::allocate::<Slot<R, B, T>>() else {
            let error = IrpError::SlotAllocation;
            return Err(NotSent { error, request });
        };
        // SAFETY: freshly allocated for this type.
        unsafe { Slot::init_in_flight(slot.as_ptr()) };
        let callback = Slot::callback(slot.as_ptr(), Some(boxed_trampoline::<R, B, T>));
        // SAFETY: written above. The reference ends before anybody can free the slot: this is its
        // handle, which has not left.
        let in_place = unsafe { slot.as_ref() };
        // SAFETY: a fresh slot, which is freed by the last of handle and routine.
        match unsafe { in_place.send(request, callback, |slot| slot.shares.enter_own()) } {
            // INVARIANT: 1, sent.
            Ok(()) => Ok(Self { slot }),
            Err(not_sent) => {
                // SAFETY: allocated above; nothing was sent, and a slot has no drop glue.
                unsafe { pool::free(slot) };
                Err(not_sent)
            }
        }
    }
}

impl<R: CompletionRoutine, B, T: Target> sealed::Sealed for BoxedSlot<R, B, T> {}
impl<R: CompletionRoutine, B, T: Target> Storage for BoxedSlot<R, B, T> {
    type Routine = R;
    type Buffer = B;
    type Target = T;
    type Irp = Reusable;

    #[inline]
    fn slot(&self) -> *const Slot<R, B, T> {
        self.slot.as_ptr()
    }

    #[inline]
    unsafe fn take(self, timed_out: bool) -> Completed<R, B, T> {
        // SAFETY: the handle has not left, so the slot is there.
        let slot = unsafe { self.slot.as_ref() };
        // SAFETY: by contract.
        let completed = unsafe { slot.take(timed_out) };
        // SAFETY: as above; the reference is to the shares alone, and is not used when they say
        // that the routine frees the slot.
        let shares = unsafe { &(*self.slot.as_ptr()).shares };
        if shares.handle_leaves() {
            // SAFETY: the routine has left, and the contents were taken.
            unsafe { free(self.slot) };
        }
        completed
    }

    unsafe fn abandon(self) {
        // SAFETY: the handle has not left, so the slot is there; the reference is to the shares
        // alone.
        let shares = unsafe { &(*self.slot.as_ptr()).shares };
        if shares.abandon() {
            // SAFETY: the routine has left before the handle did.
            unsafe { end(self.slot) };
        }
    }
}

// SAFETY: owns a slot, whose contents may go to another thread.
unsafe impl<R: CompletionRoutine, B: Send, T: Target + Send> Send for BoxedSlot<R, B, T> {}
// SAFETY: shared access cancels the IRP, which any thread may do.
unsafe impl<R: CompletionRoutine, B: Send, T: Target + Send> Sync for BoxedSlot<R, B, T> {}

/// Frees a slot without contents.
///
/// # Safety
/// The caller is the last of handle and routine, and the contents have been taken.
unsafe fn free<R: CompletionRoutine, B, T: Target>(slot: NonNull<Slot<R, B, T>>) {
    // SAFETY: the caller is the last, by contract.
    unsafe { &(*slot.as_ptr()).shares }.end();
    // SAFETY: an allocation of the pool that nobody else uses any more, by contract.
    unsafe { pool::free(slot) };
}

/// Ends an abandoned request, and frees its slot.
///
/// # Safety
/// The caller is the last of handle and routine, and the contents have not been taken.
#[cold]
unsafe fn end<R: CompletionRoutine, B, T: Target>(slot: NonNull<Slot<R, B, T>>) {
    // SAFETY: the slot is the caller's, by contract.
    let in_place = unsafe { slot.as_ref() };
    // Freed also if the drop of the contents unwinds, as it may outside of the routine.
    let freed = AtEnd(|| {
        // SAFETY: the contents were dropped, or their drop has unwound, and nobody uses them again.
        unsafe { free(slot) };
    });
    // SAFETY: the request is completed, and the caller's.
    let of_target = unsafe { in_place.drop_contents() };
    drop(freed);
    drop(of_target);
}

/// What the I/O manager calls for a request in a slot of its own.
///
/// # Safety
/// `context` is the address of such a slot with a request in flight, whose routine is `R` and whose
/// IRP is `irp`; the routine has not run for it yet.
unsafe extern "system" fn boxed_trampoline<R: CompletionRoutine, B, T: Target>(
    device: *mut DEVICE_OBJECT,
    irp: *mut IRP,
    context: *mut c_void,
) -> NTSTATUS {
    // SAFETY: an operation is the first field of its slot; the rest by contract.
    unsafe { run::<R>(device, irp, context) };
    // SAFETY: the address of a slot is not null.
    let slot = unsafe { NonNull::new_unchecked(context.cast::<Slot<R, B, T>>()) };
    // SAFETY: the routine has not left, so the slot is there; the reference is to the shares alone.
    let shares = unsafe { &(*slot.as_ptr()).shares };
    match shares.routine_leaves() {
        RoutineLeaves::NotLast => {}
        // SAFETY: the handle has left with the contents.
        RoutineLeaves::Last => unsafe { free(slot) },
        // SAFETY: the handle has left the contents behind.
        RoutineLeaves::LastWithContents => unsafe { end(slot) },
    }
    sys::STATUS_MORE_PROCESSING_REQUIRED
}
