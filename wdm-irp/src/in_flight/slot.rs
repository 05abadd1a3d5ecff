//! The memory of a request in flight.
#![expect(
    clippy::inline_always,
    reason = "else a second caller pays for what the compiler keeps apart: see BENCHMARKS.md"
)]

use core::cell::UnsafeCell;
use core::mem::MaybeUninit;
use core::ptr;

use super::shares::Shares;
use crate::buffer::PoolAligned;
use crate::error::NotSent;
use crate::operation::{Callback, Operation};
use crate::request::{Entered, Request, Transfer};
use crate::routine::CompletionRoutine;
use crate::sys::{IRP, PIO_COMPLETION_ROUTINE};
use crate::target::{Target, TargetDevice};

/// The memory of one request in flight: its event, IRP, target, context and buffer.
///
/// [`Request::send_scoped`](crate::request::Request::send_scoped) keeps one on the stack,
/// [`Request::send_boxed`](crate::request::Request::send_boxed) in nonpaged pool. Make one yourself
/// for a request from static memory:
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
/// Its size is that of the KEVENT, the IRP's address, 16 bytes of state, the target and what is
/// held of it, the context and the buffer, which is aligned to 16 bytes.
///
/// # Invariants
/// 1. The slot does not move, and its memory is not reused, while a request is in it or a routine
///    has not left it: it is `'static`, or a local of a function that does not return before the
///    request is completed, or an allocation that the last of handle and routine frees.
/// 2. Nobody has an exclusive reference to it in that time: all access is through cells.
/// 3. While its state is EMPTY, `request`, `context` and `buffer` hold nothing; while it is in
///    flight, they hold those of the request. `context` and the IRP are the completion routine's
///    alone until it has signaled or finished; the others are the originator's.
/// 4. `arrived` is the originator's alone, and initialized while a request is in flight.
#[repr(C)]
pub struct Slot<R: CompletionRoutine, B, T: Target = TargetDevice> {
    /// The first field, so that the plain trampoline finds it.
    pub(super) operation: Operation<R::Context>,
    pub(super) shares: Shares,
    pub(super) arrived: UnsafeCell<Arrived>,
    pub(super) request: UnsafeCell<MaybeUninit<InSlot<T>>>,
    pub(super) buffer: UnsafeCell<MaybeUninit<PoolAligned<B>>>,
}

/// Whether the originator has arrived at the handshake in this round.
///
/// Of 32 bits, so that it is written together with the shares.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum Arrived {
    No,
    Yes,
}

/// What neither the routine nor the lower drivers use of a request.
pub(super) struct InSlot<T: Target> {
    pub(super) irp: *mut IRP,
    pub(super) target: T,
    pub(super) held: T::Held,
}

// SAFETY: the slot owns its contents, and all of them may go to another thread; a context is `Send`
// by its trait, as is what is held.
unsafe impl<R: CompletionRoutine, B: Send, T: Target + Send> Send for Slot<R, B, T> {}
// SAFETY: a shared slot lets one owner at a time (`Handshake::claim`) move a request in and out;
// that is sending it between threads, never sharing it.
unsafe impl<R: CompletionRoutine, B: Send, T: Target + Send> Sync for Slot<R, B, T> {}

impl<R: CompletionRoutine, B, T: Target> Default for Slot<R, B, T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<R: CompletionRoutine, B, T: Target> core::fmt::Debug for Slot<R, B, T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Slot")
            .field("in_use", &!self.is_empty())
            .finish_non_exhaustive()
    }
}

impl<R: CompletionRoutine, B, T: Target> Slot<R, B, T> {
    /// Makes an empty slot.
    #[must_use]
    pub const fn new() -> Self {
        Self::with_shares(Shares::new())
    }

    /// Makes an empty slot that `send_scoped` waits for.
    pub(crate) const fn scoped() -> Self {
        Self::with_shares(Shares::scoped())
    }

    const fn with_shares(shares: Shares) -> Self {
        // INVARIANT: 3, nothing is in it.
        Self {
            operation: Operation::new(),
            shares,
            arrived: UnsafeCell::new(Arrived::No),
            request: UnsafeCell::new(MaybeUninit::uninit()),
            buffer: UnsafeCell::new(MaybeUninit::uninit()),
        }
    }

    /// Takes an empty slot; `false` if a request is in it.
    pub(crate) fn claim(&self) -> bool {
        self.operation.handshake.claim()
    }

    /// Gives a slot back that holds nothing.
    pub(crate) fn release(&self) {
        self.operation.handshake.release();
    }

    /// Returns whether there is no request in the slot.
    pub(super) fn is_empty(&self) -> bool {
        self.operation.handshake.is_empty()
    }

    /// Writes a slot in memory of its own for a request that will be sent. [`Slot::new`] would be
    /// moved there with zeros for what is uninitialized.
    ///
    /// # Safety
    /// `this` may be written.
    #[inline]
    pub(super) unsafe fn init_in_flight(this: *mut Self) {
        // SAFETY: in bounds by contract.
        let operation = unsafe { &raw mut (*this).operation };
        // SAFETY: by contract.
        unsafe { Operation::init_in_flight(operation) };
        // SAFETY: in bounds by contract.
        let shares = unsafe { &raw mut (*this).shares };
        // SAFETY: by contract.
        unsafe { shares.write(Shares::own()) };
        // SAFETY: in bounds by contract.
        let arrived = unsafe { &raw mut (*this).arrived };
        // SAFETY: by contract. The other fields need no initialization.
        unsafe { arrived.write(UnsafeCell::new(Arrived::No)) };
    }

    /// Begins a round in a slot that is used again.
    ///
    /// # Safety
    /// The slot was claimed, and is the caller's.
    #[inline]
    pub(super) unsafe fn begin(&self) {
        // SAFETY: the originator's alone (invariant 4).
        unsafe { *self.arrived.get() = Arrived::No };
        self.operation.handshake.begin();
    }

    /// Moves the request into the slot, arms it and calls the target. On an error the request comes
    /// back and the slot holds nothing.
    ///
    /// `enter` is called when nothing can fail any more, and begins the round.
    ///
    /// # Safety
    /// - The slot is the caller's (fresh or claimed) and fulfils its first two invariants.
    /// - `callback` is for this slot and for the routine `R`.
    /// - The IRQL is one at which the request may be sent.
    #[inline(always)]
    pub(super) unsafe fn send<K: Transfer<B>>(
        &self,
        request: Request<T, K, B, R>,
        callback: Callback,
        enter: impl FnOnce(&Self),
    ) -> Result<(), NotSent<Request<T, K, B, R>>> {
        // SAFETY: the slot is the caller's, so there is no other reference to its buffer.
        let place = unsafe { &mut *self.buffer.get() };
        // SAFETY: the buffer is not used before the IRP is completed, and the slot does not move.
        let Entered { irp, context, held } = unsafe { request.enter(place, callback) }?;
        let (irp, target) = irp.into_parts();
        let device = target.device();
        let irp = irp.into_raw();
        // SAFETY: the slot is the caller's, and `request` holds nothing.
        unsafe { &mut *self.request.get() }.write(InSlot { irp, target, held });
        enter(self);
        // INVARIANT: 3, the slot holds the request.
        // SAFETY: the slot was empty; the IRP was entered for this target, with a callback that
        // accesses this operation; the rest by contract and invariants 1 and 2.
        unsafe { self.operation.send(device, irp, context) };
        Ok(())
    }

    /// Returns the callback that the plain trampoline takes.
    pub(super) fn callback(this: *const Self, routine: PIO_COMPLETION_ROUTINE) -> Callback {
        let context = this.cast_mut().cast();
        Callback { routine, context }
    }
}

/// Returns the address of a static slot, for its routine.
pub(super) fn address<R: CompletionRoutine, B, T: Target>(
    slot: &Slot<R, B, T>,
) -> *const Slot<R, B, T> {
    ptr::from_ref(slot)
}
