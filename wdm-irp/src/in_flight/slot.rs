//! The memory of a request in flight.

use core::cell::UnsafeCell;
use core::mem::MaybeUninit;
use core::ptr;

use super::reclaim::free_completed;
use crate::buffer::PoolAligned;
use crate::completed::Completed;
use crate::operation::{Operation, cancel_and_wait};
use crate::routine::CompletionRoutine;
use crate::sys::{self, IRP};
use crate::timeout::Timeout;

/// The memory of one request in flight: its event, IRP, context and buffer.
///
/// [`Request::send_scoped`](crate::request::Request::send_scoped) keeps one on the stack,
/// `Request::send_boxed` on the heap. Make one yourself for a request from static memory, without a
/// heap:
///
/// ```
/// # use wdm_irp::{completion_routine, Completing, Signaled};
/// # #[completion_routine]
/// # fn read_done(irp: Completing<'_, ()>) -> Signaled<'_> { irp.signal_if_pended() }
/// use wdm_irp::in_flight::Slot;
///
/// static SLOT: Slot<read_done, [u8; 512]> = Slot::new();
/// ```
///
/// Its size is that of the KEVENT, the IRP's address, eight bytes of state, the context and the
/// buffer, which is aligned to 16 bytes.
///
/// # Invariants
/// - The slot does not move, and its memory is not reused, from `send` to `reclaim`: it is
///   `'static`, or a local of a function that does not return before, or the heap allocation of a
///   `BoxedSlot`.
/// - Nobody has an exclusive reference to it in that time: both sides go through shared references
///   and cells.
/// - While its state is EMPTY, `irp`, `context` and `buffer` hold nothing; else they hold the
///   request's, and `context` is the completion routine's alone until the handshake says that it
///   has let go.
#[repr(C)]
pub struct Slot<R: CompletionRoutine, B> {
    pub(crate) operation: Operation<R::Context>,
    pub(crate) irp: UnsafeCell<*mut IRP>,
    pub(crate) buffer: UnsafeCell<MaybeUninit<PoolAligned<B>>>,
}

// SAFETY: the slot owns its contents, and both may go to another thread.
unsafe impl<R: CompletionRoutine, B: Send> Send for Slot<R, B> {}
// SAFETY: a shared slot lets one owner at a time (`Handshake::claim`) move a request in and out;
// that is sending it between threads, never sharing it.
unsafe impl<R: CompletionRoutine, B: Send> Sync for Slot<R, B> {}

impl<R: CompletionRoutine, B> Default for Slot<R, B> {
    fn default() -> Self {
        Self::new()
    }
}

impl<R: CompletionRoutine, B> core::fmt::Debug for Slot<R, B> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Slot")
            .field("in_use", &!self.operation.handshake.is_empty())
            .finish_non_exhaustive()
    }
}

impl<R: CompletionRoutine, B> Slot<R, B> {
    /// An empty slot.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            operation: Operation::new(),
            irp: UnsafeCell::new(ptr::null_mut()),
            buffer: UnsafeCell::new(MaybeUninit::uninit()),
        }
    }

    /// Takes an empty slot; `false` if a request is in it.
    pub(crate) fn claim(&self) -> bool {
        self.operation.handshake.claim()
    }

    /// Gives a claimed slot back, which holds nothing.
    pub(crate) fn release(&self) {
        self.operation.handshake.release();
    }

    /// Whether the routine has let go without a signal.
    pub(crate) fn is_finished(&self) -> bool {
        self.operation.handshake.is_finished()
    }

    /// Waits until the routine has let go; on time-out cancels the IRP and waits on. Whether it
    /// timed out.
    ///
    /// # Safety
    /// A request is in flight and the caller is its originator. IRQL <= `APC_LEVEL`.
    pub(crate) unsafe fn wait(&self, timeout: Timeout) -> bool {
        // SAFETY: by contract.
        if unsafe { self.wait_for(timeout) } {
            return false;
        }
        // SAFETY: by contract; it has arrived, first.
        unsafe { self.cancel_and_wait() };
        true
    }

    /// Waits until the routine has let go, or the time-out elapses. Whether the routine has.
    ///
    /// # Safety
    /// A request is in flight and the caller is its originator. IRQL <= `APC_LEVEL`.
    pub(crate) unsafe fn wait_for(&self, timeout: Timeout) -> bool {
        // SAFETY: by contract.
        unsafe { self.operation.handshake.arrive_and_wait(timeout.relative()) }
    }

    /// Cancels the IRP and waits until the routine has let go.
    ///
    /// # Safety
    /// A request is in flight, the caller is its originator, and [`Slot::wait`] or [`Slot::poll`]
    /// has not seen its end. IRQL <= `APC_LEVEL`.
    pub(crate) unsafe fn cancel_and_wait(&self) {
        // SAFETY: in flight.
        let irp = unsafe { self.irp() };
        // SAFETY: by contract; only `reclaim` frees the IRP.
        unsafe { cancel_and_wait(&self.operation.handshake, irp) };
    }

    /// Looks, without waiting, whether the routine has let go.
    ///
    /// # Safety
    /// A request is in flight and the caller is its originator. IRQL <= `DISPATCH_LEVEL`.
    pub(crate) unsafe fn poll(&self) -> bool {
        // Not KeReadStateEvent: only a wait is sure that KeSetEvent is through with the memory.
        // SAFETY: by contract, with a time-out of zero.
        unsafe { self.operation.handshake.arrive_and_wait(Some(0)) }
    }

    /// `IoCancelIrp`. The IRP is allocated whatever its state, for only the originator frees it
    /// ([H13]).
    ///
    /// # Safety
    /// A request is in flight.
    ///
    /// [H13]: https://github.com/wdm-irp/wdm-irp/blob/main/docs/hazards.md#h13
    pub(crate) unsafe fn cancel(&self) {
        // SAFETY: by contract.
        let irp = unsafe { self.irp() };
        // SAFETY: allocated until `reclaim`.
        unsafe { sys::IoCancelIrp(irp) };
    }

    /// The IRP of the request.
    ///
    /// # Safety
    /// A request is in the slot.
    pub(crate) unsafe fn irp(&self) -> *mut IRP {
        // SAFETY: written before the request is sent only.
        unsafe { *self.irp.get() }
    }

    /// Takes everything back and frees the IRP.
    ///
    /// # Safety
    /// A request is in the slot, the caller is its originator, and the routine has let go.
    pub(crate) unsafe fn reclaim(&self, timed_out: bool) -> Completed<R, B> {
        // SAFETY: a request is in the slot.
        let irp = unsafe { self.irp() };
        // SAFETY: the routine has let go, by contract; the slot forgets the IRP below.
        let (status, information) = unsafe { free_completed(irp) };
        // SAFETY: a request is in the slot, and the routine has let go of its context.
        let context = unsafe { self.operation.take_context() };
        // SAFETY: a request is in the slot, and the lower drivers have let go of its buffer.
        let PoolAligned(buffer) = unsafe { self.buffer.get().cast::<PoolAligned<B>>().read() };
        // INVARIANT: everything has been moved out.
        self.release();
        Completed {
            status,
            information,
            timed_out,
            context,
            buffer,
        }
    }

    /// For a slot on the stack whose handle may have been leaked: cancels and waits for what is
    /// still in flight. Always waits, at whatever IRQL: the stack is about to go away, so there is
    /// nothing else to do.
    ///
    /// # Safety
    /// The caller alone sees the slot; the handle of a request in it, if any, is gone. IRQL <=
    /// `APC_LEVEL`.
    pub(crate) unsafe fn cancel_and_reclaim(&self) {
        if self.operation.handshake.is_empty() {
            return;
        }
        // SAFETY: by contract; the caller is the originator, since the handle is gone.
        if !unsafe { self.poll() } {
            // SAFETY: by contract, and it is in flight.
            unsafe { self.cancel_and_wait() };
        }
        // SAFETY: the routine has let go.
        drop(unsafe { self.reclaim(false) });
    }
}

pub(super) mod sealed {
    pub trait Sealed {}
}

/// Where the slot of a request in flight is.
pub trait Storage: sealed::Sealed {
    /// The completion routine of the request.
    type Routine: CompletionRoutine;
    /// The buffer of the request.
    type Buffer;

    #[doc(hidden)]
    fn slot(&self) -> &Slot<Self::Routine, Self::Buffer>;
}

impl<R: CompletionRoutine, B> sealed::Sealed for &Slot<R, B> {}
impl<R: CompletionRoutine, B> Storage for &Slot<R, B> {
    type Routine = R;
    type Buffer = B;
    fn slot(&self) -> &Slot<R, B> {
        self
    }
}
