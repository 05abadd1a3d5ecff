//! Requests that others may cancel, also after their completion.

use core::ffi::c_void;
use core::ptr::NonNull;
use core::sync::atomic::Ordering;

use super::at_end::AtEnd;
use super::handle::InFlight;
use super::shares::RoutineLeaves;
use super::slot::Slot;
use super::storage::{Storage, sealed};
use crate::completed::{Completed, NotReusable};
use crate::error::{IrpError, NotSent};
use crate::irp::Allocated;
use crate::operation::{AtomicU32, memory, prepare};
use crate::pool;
use crate::request::{Request, Transfer};
use crate::routine::{CompletionRoutine, run};
use crate::sys::{self, DEVICE_OBJECT, IRP, NTSTATUS};
use crate::target::{Target, TargetDevice};

/// What a [`Canceller`] needs of a request. It stays, with the IRP, until the last of those who may
/// cancel the IRP and of the request itself has left.
///
/// # Invariants
/// 1. `irp` came from `IoAllocateIrp` and is not freed before `weak` is 0.
/// 2. `weak` counts the cancellers, and one for handle and routine together until the last of the
///    two has left. Whoever takes it to 0 frees IRP and memory.
struct Shared {
    weak: AtomicU32,
    irp: *mut IRP,
}

/// The memory of a cancellable request; `shared` comes first, so that a canceller finds it.
#[repr(C)]
struct Memory<R: CompletionRoutine, B, T: Target> {
    shared: Shared,
    slot: Slot<R, B, T>,
}

/// The right to cancel one request, from any thread, while another thread waits or nobody does,
/// also after its completion, when it has no effect.
///
/// It keeps the memory of the request and its IRP, but neither buffer, context nor target: one that
/// is forgotten does not delay the removal of a device.
///
/// # Invariants
/// 1. One of the count in `shared` is this value's.
#[must_use = "without it only the handle can cancel the request"]
pub struct Canceller {
    shared: NonNull<Shared>,
}

// SAFETY: any thread may cancel an IRP, and be the last that frees it.
unsafe impl Send for Canceller {}
// SAFETY: shared access calls IoCancelIrp, which any number of threads may.
unsafe impl Sync for Canceller {}

impl Canceller {
    /// Asks the lower drivers to complete the request soon (`IoCancelIrp`). IRQL <=
    /// `DISPATCH_LEVEL`.
    ///
    /// The completion routine may run on this thread: see [`InFlight::cancel`].
    pub fn cancel(&self) {
        // SAFETY: one of the count is this value's (invariant 1), so the memory is there.
        let irp = unsafe { (*self.shared.as_ptr()).irp };
        // SAFETY: the IRP is not freed before the memory is (invariant 1 of `Shared`).
        unsafe { sys::IoCancelIrp(irp) };
    }
}

impl Drop for Canceller {
    /// Frees IRP and memory if the request is over and no other canceller is left. IRQL <=
    /// `DISPATCH_LEVEL`.
    fn drop(&mut self) {
        // SAFETY: one of the count is this value's (invariant 1), and ends here.
        unsafe { leave(self.shared) };
    }
}

impl core::fmt::Debug for Canceller {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Canceller").finish_non_exhaustive()
    }
}

/// Gives up one of the count, and frees IRP and memory if it was the last.
///
/// # Safety
/// One of the count is the caller's, who does not use the memory again.
unsafe fn leave(shared: NonNull<Shared>) {
    // SAFETY: one of the count is the caller's; the reference is to the count alone, and is not
    // used when somebody else frees it.
    let weak = unsafe { &(*shared.as_ptr()).weak };
    // AcqRel: the last sees what the others have done with the IRP. The load alone is enough where
    // there is nobody else, as nobody can become one any more.
    if weak.load(Ordering::Acquire) != 1 && weak.fetch_sub(1, Ordering::AcqRel) != 1 {
        return;
    }
    memory::take_back(weak);
    // SAFETY: the caller was the last (invariant 2 of `Shared`).
    let irp = unsafe { (*shared.as_ptr()).irp };
    // SAFETY: the request is over, so the IRP is completed, and nobody else cancels it any more.
    drop(unsafe { Allocated::from_raw(irp) });
    // SAFETY: the allocation begins with `shared`, and nobody uses it any more.
    unsafe { pool::free(shared) };
}

/// A slot in nonpaged pool, with a request in flight that others may cancel.
///
/// # Invariants
/// 1. `memory` is an allocation of the pool with a request in it; this value is its handle.
pub struct CancellableSlot<R: CompletionRoutine, B, T: Target = TargetDevice> {
    memory: NonNull<Memory<R, B, T>>,
}

impl<R: CompletionRoutine, B, T: Target> CancellableSlot<R, B, T> {
    /// Sends a request from a slot of its own.
    ///
    /// # Safety
    /// The IRQL is one at which the request may be sent. All contents may outlive the call, and may
    /// be dropped by another thread.
    pub(crate) unsafe fn send<K: Transfer<B>>(
        request: Request<T, K, B, R>,
    ) -> Result<Self, NotSent<Request<T, K, B, R>>> {
        let Some(place) = pool::allocate::<Memory<R, B, T>>() else {
            let error = IrpError::SlotAllocation;
            return Err(NotSent { error, request });
        };
        let shared = Shared {
            weak: AtomicU32::new(1),
            irp: request.irp(),
        };
        // SAFETY: freshly allocated for this type.
        unsafe { place.cast::<Shared>().write(shared) };
        // SAFETY: in bounds of the allocation.
        let slot = unsafe { &raw mut (*place.as_ptr()).slot };
        // SAFETY: as for `shared`.
        unsafe { Slot::init_in_flight(slot) };
        let callback = Slot::<R, B, T>::callback(
            place.as_ptr().cast(),
            Some(cancellable_trampoline::<R, B, T>),
        );
        // SAFETY: written above. The reference ends before anybody can free the memory: this is the
        // handle, which has not left.
        let slot = unsafe { &*slot };
        let enter = |slot: &Slot<R, B, T>| {
            // SAFETY: written above, and in the same allocation.
            let weak = unsafe { &(*place.as_ptr()).shared.weak };
            prepare(weak);
            memory::lend(weak);
            slot.shares.enter_own();
        };
        // SAFETY: a fresh slot, which stays until the last of handle and routine has left.
        match unsafe { slot.send(request, callback, enter) } {
            // INVARIANT: 1, sent.
            Ok(()) => Ok(Self { memory: place }),
            Err(not_sent) => {
                // SAFETY: allocated above; nothing was sent, and neither part has drop glue.
                unsafe { pool::free(place) };
                Err(not_sent)
            }
        }
    }

    /// Makes another canceller. There are no more than there are bytes of memory for them, unless
    /// some are leaked: after 2^31 the processor stops.
    pub(crate) fn canceller(&self) -> Canceller {
        let shared = self.memory.cast::<Shared>();
        // SAFETY: the handle has not left, so the memory is there.
        let weak = unsafe { &(*shared.as_ptr()).weak };
        // Relaxed: one of the count is the caller's.
        if weak.fetch_add(1, Ordering::Relaxed) >= u32::MAX / 2 {
            // Not counted, or a caller that catches the panic could wrap the count.
            weak.fetch_sub(1, Ordering::Relaxed);
            panic!("too many cancellers were leaked");
        }
        // INVARIANT: 1, counted above.
        Canceller { shared }
    }
}

impl<R: CompletionRoutine, B, T: Target> InFlight<CancellableSlot<R, B, T>> {
    /// Makes another [`Canceller`] of this request. Any IRQL.
    pub fn canceller(&self) -> Canceller {
        self.storage().canceller()
    }
}

impl<R: CompletionRoutine, B, T: Target> sealed::Sealed for CancellableSlot<R, B, T> {}
impl<R: CompletionRoutine, B, T: Target> Storage for CancellableSlot<R, B, T> {
    type Routine = R;
    type Buffer = B;
    type Target = T;
    type Irp = NotReusable;

    fn slot(&self) -> *const Slot<R, B, T> {
        // SAFETY: in bounds of the allocation.
        unsafe { &raw const (*self.memory.as_ptr()).slot }
    }

    unsafe fn take(self, timed_out: bool) -> Completed<R, B, T, NotReusable> {
        // SAFETY: the handle has not left, so the slot is there.
        let slot = unsafe { &*self.slot() };
        // SAFETY: by contract.
        let (completed, irp) = unsafe { slot.take(timed_out) }.without_irp();
        // It stays with those who may cancel it.
        let _ = irp.into_raw();
        // SAFETY: as for `slot`; the reference is to the shares alone.
        let shares = unsafe { &(*self.slot()).shares };
        if shares.handle_leaves() {
            shares.end();
            // SAFETY: the routine has left, so the one for both is the caller's.
            unsafe { leave(self.memory.cast()) };
        }
        completed
    }

    unsafe fn abandon(self) {
        // SAFETY: the handle has not left, so the slot is there; the reference is to the shares
        // alone.
        let shares = unsafe { &(*self.slot()).shares };
        if shares.abandon() {
            // SAFETY: the routine has left before the handle did.
            unsafe { end(self.memory) };
        }
    }
}

// SAFETY: owns a slot, whose contents may go to another thread.
unsafe impl<R: CompletionRoutine, B: Send, T: Target + Send> Send for CancellableSlot<R, B, T> {}
// SAFETY: shared access cancels the IRP and counts cancellers, which any thread may do.
unsafe impl<R: CompletionRoutine, B: Send, T: Target + Send> Sync for CancellableSlot<R, B, T> {}

/// Ends an abandoned request.
///
/// # Safety
/// The caller is the last of handle and routine, and the contents have not been taken.
#[cold]
unsafe fn end<R: CompletionRoutine, B, T: Target>(memory: NonNull<Memory<R, B, T>>) {
    // SAFETY: the slot is the caller's, by contract.
    let slot = unsafe { &(*memory.as_ptr()).slot };
    // Left also if the drop of the contents unwinds, as it may outside of the routine.
    let left = AtEnd(|| {
        // SAFETY: the memory is the caller's, by contract; the reference is to the shares alone.
        unsafe { &(*memory.as_ptr()).slot.shares }.end();
        // SAFETY: both have left, so the one for both is the caller's.
        unsafe { leave(memory.cast()) };
    });
    // SAFETY: the request is completed, and the caller's; the one for both keeps the IRP.
    let of_target = unsafe { slot.drop_contents_but_irp() };
    drop(left);
    drop(of_target);
}

/// What the I/O manager calls for a cancellable request.
///
/// # Safety
/// `context` is the address of such a memory with a request in flight, whose routine is `R` and
/// whose IRP is `irp`; the routine has not run for it yet.
unsafe extern "system" fn cancellable_trampoline<R: CompletionRoutine, B, T: Target>(
    device: *mut DEVICE_OBJECT,
    irp: *mut IRP,
    context: *mut c_void,
) -> NTSTATUS {
    let memory = context.cast::<Memory<R, B, T>>();
    // SAFETY: in bounds of the allocation, by contract.
    let slot = unsafe { &raw mut (*memory).slot };
    // SAFETY: an operation is the first field of its slot; the rest by contract.
    unsafe { run::<R>(device, irp, slot.cast()) };
    // SAFETY: the routine has not left, so the slot is there; the reference is to the shares alone.
    let shares = unsafe { &(*slot).shares };
    // SAFETY: the address of an allocation is not null.
    let memory = unsafe { NonNull::new_unchecked(memory) };
    match shares.routine_leaves() {
        RoutineLeaves::NotLast => {}
        RoutineLeaves::Last => {
            shares.end();
            // SAFETY: the handle has left with the contents, so the one for both is the caller's.
            unsafe { leave(memory.cast()) };
        }
        // SAFETY: the handle has left the contents behind.
        RoutineLeaves::LastWithContents => unsafe { end(memory) },
    }
    sys::STATUS_MORE_PROCESSING_REQUIRED
}
