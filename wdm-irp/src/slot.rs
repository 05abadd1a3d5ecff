//! The memory of a request in flight, and the handle that answers for it.
#![expect(
    clippy::needless_pass_by_value,
    reason = "a proof of the IRQL is given by value or by reference, as the caller likes"
)]

use core::cell::UnsafeCell;
use core::mem::{ManuallyDrop, MaybeUninit};
use core::ptr;

use crate::buffer::{self, Attachment, PoolAligned, Transfer};
use crate::completed::Completed;
use crate::error::{NotSent, final_status};
use crate::handshake::Handshake;
use crate::irp::Irp;
use crate::irql::{ApcLevel, AtMostApc};
use crate::request::{Armed, Request};
use crate::routine::{CompletionRoutine, trampoline};
use crate::sync::memory;
use crate::sys::{self, IRP, NTSTATUS};
use crate::timeout::Timeout;

/// What the completion routine needs of an operation.
#[repr(C)]
pub(crate) struct Header<C> {
    pub(crate) handshake: Handshake,
    pub(crate) context: UnsafeCell<MaybeUninit<C>>,
}

impl<C> Header<C> {
    pub(crate) const fn new() -> Self {
        Self {
            handshake: Handshake::new(),
            context: UnsafeCell::new(MaybeUninit::uninit()),
        }
    }

    /// An empty header where it will stay. [`Header::new`] as a constant would be moved with zeros for what is uninitialised.
    #[inline]
    pub(crate) fn new_in(memory: &mut MaybeUninit<Self>) -> &Self {
        let memory: *mut Self = memory.as_mut_ptr();
        // SAFETY: in bounds of `memory`.
        let handshake = unsafe { &raw mut (*memory).handshake };
        // SAFETY: ours to write.
        unsafe { Handshake::init(handshake) };
        // SAFETY: the context needs no initialisation; borrowed as long as `memory`.
        unsafe { &*memory }
    }

    /// Takes the context, arms the operation and calls the target.
    ///
    /// # Safety
    /// - The header is the caller's, without a context, and `irp` has a request for its target.
    /// - Until the routine has let go, the header stays where it is and nobody has an exclusive reference to it; until then
    ///   the caller neither frees the IRP nor releases what is attached to it.
    /// - The IRQL is one at which the request may be sent.
    #[inline]
    pub(crate) unsafe fn send<R: CompletionRoutine<Context = C>>(&self, irp: Irp<'_>, context: C) {
        let target = irp.target();
        let next = irp.next_location();
        let irp = irp.into_raw();
        // SAFETY: the header is the caller's; the old value is uninitialised.
        unsafe { &mut *self.context.get() }.write(context);
        let header = ptr::from_ref(self).cast_mut().cast();
        next.set_completion_routine(Some(trampoline::<R>), header, sys::SL_INVOKE_ALWAYS);
        // SAFETY: the last round is over, since the header had no context, and it does not move.
        unsafe { self.handshake.arm() };
        // The status says what the lower driver wants the caller to believe; the handshake knows.
        // SAFETY: the IRP is ours, complete, and was allocated for this target, which is valid.
        let _ = unsafe { sys::IofCallDriver(target.as_ptr(), irp) };
    }

    /// Takes the context out.
    ///
    /// # Safety
    /// The header is the caller's, with a context, and the routine has let go of it.
    #[inline]
    pub(crate) unsafe fn take_context(&self) -> C {
        memory::take_back(&self.handshake);
        // SAFETY: by contract.
        unsafe { self.context.get().cast::<C>().read() }
    }

    /// The first field, so no access is needed to find it.
    pub(crate) const fn handshake(this: *const Self) -> *const Handshake {
        this.cast()
    }
}

/// Asks the lower drivers to complete an IRP soon, and waits until they have, however long that takes: they use its memory
/// until then (H14).
///
/// # Safety
/// The IRP was sent with this handshake and is not freed. The caller is its originator and has arrived before the routine.
/// IRQL <= `APC_LEVEL`.
pub(crate) unsafe fn cancel_and_wait(handshake: &Handshake, irp: *mut IRP) {
    // SAFETY: allocated, whatever the lower drivers do with it (H13).
    unsafe { sys::IoCancelIrp(irp) };
    // SAFETY: by contract.
    while !unsafe { handshake.wait(None) } {}
}

/// Takes back what a completed IRP says, releases what is attached to it, and frees it.
///
/// # Safety
/// `irp` came from `IoAllocateIrp`, is completed, the routine has let go of it, and it is not used again.
#[inline]
pub(crate) unsafe fn free_completed(irp: *mut IRP) -> (NTSTATUS, usize) {
    // SAFETY: completed, and the routine answered MORE_PROCESSING_REQUIRED: the IRP is the caller's, and not freed yet.
    let fields = unsafe { sys::irp::Irp::new(irp) };
    let status = final_status(fields.status());
    let information = fields.information();
    // SAFETY: completed, so no transfer is under way; what is attached is what `Transfer::attach` attached.
    unsafe { buffer::detach(fields) };
    // SAFETY: by contract from `IoAllocateIrp` and not used again.
    unsafe { sys::IoFreeIrp(irp) };
    (status, information)
}

/// The memory of one request in flight: its event, IRP, context and buffer.
///
/// [`Request::send_scoped`] keeps one on the stack, `Request::send_boxed` on the heap. Make one yourself for a request from
/// static memory, without a heap:
///
/// ```
/// # use wdm_irp::{completion_routine, Completing, Signaled};
/// # #[completion_routine]
/// # fn read_done(irp: Completing<'_, ()>) -> Signaled<'_> { irp.signal_if_pended() }
/// use wdm_irp::Slot;
///
/// static SLOT: Slot<read_done, [u8; 512]> = Slot::new();
/// ```
///
/// Its size is that of the KEVENT, the IRP's address, eight bytes of state, the context and the buffer, which is aligned to 16
/// bytes.
///
/// # Invariants
/// - The slot does not move, and its memory is not reused, from `send` to `reclaim`: it is `'static`, or a local of
///   a function that does not return before, or the heap allocation of a `BoxedSlot`.
/// - Nobody has an exclusive reference to it in that time: both sides go through shared references and cells.
/// - While its state is EMPTY, `irp`, `context` and `buffer` hold nothing; else they hold the request's, and `context`
///   is the completion routine's alone until the handshake says that it has let go.
#[repr(C)]
pub struct Slot<R: CompletionRoutine, B> {
    header: Header<R::Context>,
    irp: UnsafeCell<*mut IRP>,
    buffer: UnsafeCell<MaybeUninit<PoolAligned<B>>>,
}

// SAFETY: the slot owns its contents, and both may go to another thread.
unsafe impl<R: CompletionRoutine, B: Send> Send for Slot<R, B> {}
// SAFETY: a shared slot lets one owner at a time (`Handshake::claim`) move a request in and out; that is sending it
// between threads, never sharing it.
unsafe impl<R: CompletionRoutine, B: Send> Sync for Slot<R, B> {}

impl<R: CompletionRoutine, B> Default for Slot<R, B> {
    fn default() -> Self {
        Self::new()
    }
}

impl<R: CompletionRoutine, B> core::fmt::Debug for Slot<R, B> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Slot")
            .field("in_use", &!self.header.handshake.is_empty())
            .finish_non_exhaustive()
    }
}

impl<R: CompletionRoutine, B> Slot<R, B> {
    /// An empty slot.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            header: Header::new(),
            irp: UnsafeCell::new(ptr::null_mut()),
            buffer: UnsafeCell::new(MaybeUninit::uninit()),
        }
    }

    /// Takes an empty slot; `false` if a request is in it.
    pub(crate) fn claim(&self) -> bool {
        self.header.handshake.claim()
    }

    /// Gives a claimed slot back, which holds nothing.
    pub(crate) fn release(&self) {
        self.header.handshake.release();
    }

    /// Moves the request into the slot, arms it and calls the target. On an error the request comes back and the slot
    /// holds nothing.
    ///
    /// # Safety
    /// The slot is the caller's (fresh or claimed) and fulfils its first two invariants until it is reclaimed. The IRQL
    /// is one at which the request may be sent.
    pub(crate) unsafe fn send<'d, K: Transfer<B>>(
        &self,
        request: Request<'d, K, B, Armed<R>>,
    ) -> Result<(), NotSent<Request<'d, K, B, Armed<R>>>> {
        let (irp, buffer, context) = request.into_parts();
        // SAFETY: the slot is the caller's, so there is no other reference to its buffer.
        let buffer = unsafe { &mut *self.buffer.get() }.write(PoolAligned(buffer));
        let in_slot = &mut buffer.0;
        let attachment = Attachment::new(&irp);
        // SAFETY: the slot does not move.
        if let Err(error) = unsafe { K::attach(&attachment, in_slot) } {
            // SAFETY: written above; whatever the attempt entered in the IRP is overwritten by the next.
            let buffer = unsafe { ptr::read(in_slot) };
            let request = Request::from_parts(irp, buffer, context);
            return Err(NotSent { error, request });
        }

        // SAFETY: the slot is the caller's.
        unsafe { *self.irp.get() = irp.as_ptr() };
        // INVARIANT: the slot now holds the request.
        // SAFETY: the slot was empty; the rest by contract.
        unsafe { self.header.send::<R>(irp, context) };
        Ok(())
    }

    /// Whether the routine has let go without a signal.
    pub(crate) fn is_finished(&self) -> bool {
        self.header.handshake.is_finished()
    }

    /// Waits until the routine has let go; on time-out cancels the IRP and waits on. Whether it timed out.
    ///
    /// # Safety
    /// A request is in flight and the caller is its originator. IRQL <= `APC_LEVEL`.
    unsafe fn wait(&self, timeout: Timeout) -> bool {
        // SAFETY: by contract.
        if unsafe { self.header.handshake.arrive_and_wait(timeout.relative()) } {
            return false;
        }
        // SAFETY: by contract; it has arrived, first.
        unsafe { self.cancel_and_wait() };
        true
    }

    /// Cancels the IRP and waits until the routine has let go.
    ///
    /// # Safety
    /// A request is in flight, the caller is its originator, and [`Slot::wait`] or [`Slot::poll`] has not seen its end.
    /// IRQL <= `APC_LEVEL`.
    unsafe fn cancel_and_wait(&self) {
        // SAFETY: in flight.
        let irp = unsafe { self.irp() };
        // SAFETY: by contract; only `reclaim` frees the IRP.
        unsafe { cancel_and_wait(&self.header.handshake, irp) };
    }

    /// Looks, without waiting, whether the routine has let go.
    ///
    /// # Safety
    /// A request is in flight and the caller is its originator. IRQL <= `DISPATCH_LEVEL`.
    unsafe fn poll(&self) -> bool {
        // Not KeReadStateEvent: only a wait is sure that KeSetEvent is through with the memory.
        // SAFETY: by contract, with a time-out of zero.
        unsafe { self.header.handshake.arrive_and_wait(Some(0)) }
    }

    /// `IoCancelIrp`. The IRP is allocated whatever its state, for only the originator frees it (H13).
    ///
    /// # Safety
    /// A request is in flight.
    unsafe fn cancel(&self) {
        // SAFETY: by contract.
        let irp = unsafe { self.irp() };
        // SAFETY: allocated until `reclaim`.
        unsafe { sys::IoCancelIrp(irp) };
    }

    /// The IRP of the request.
    ///
    /// # Safety
    /// A request is in the slot.
    unsafe fn irp(&self) -> *mut IRP {
        // SAFETY: written before the request is sent only.
        unsafe { *self.irp.get() }
    }

    /// Takes everything back and frees the IRP.
    ///
    /// # Safety
    /// A request is in the slot, the caller is its originator, and the routine has let go.
    unsafe fn reclaim(&self, timed_out: bool) -> Completed<R, B> {
        // SAFETY: a request is in the slot.
        let irp = unsafe { self.irp() };
        // SAFETY: the routine has let go, by contract; the slot forgets the IRP below.
        let (status, information) = unsafe { free_completed(irp) };
        // SAFETY: a request is in the slot, and the routine has let go of its context.
        let context = unsafe { self.header.take_context() };
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

    /// For a slot on the stack whose handle may have been leaked: cancels and waits for what is still in flight. Always
    /// waits, at whatever IRQL: the stack is about to go away, so there is nothing else to do.
    ///
    /// # Safety
    /// The caller alone sees the slot; the handle of a request in it, if any, is gone. IRQL <= `APC_LEVEL`.
    pub(crate) unsafe fn settle(&self) {
        if self.header.handshake.is_empty() {
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

mod sealed {
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

/// A slot on the heap, freed when its request is through.
///
/// # Invariants
/// `slot` is a `Box::into_raw`-like allocation of this value, whose contents are only shared.
#[cfg(feature = "alloc")]
pub struct BoxedSlot<R: CompletionRoutine, B> {
    slot: ptr::NonNull<Slot<R, B>>,
}

#[cfg(feature = "alloc")]
mod boxed {
    use core::alloc::Layout;
    use core::ptr::NonNull;

    use super::{BoxedSlot, CompletionRoutine, Slot, Storage, sealed};

    impl<R: CompletionRoutine, B> BoxedSlot<R, B> {
        /// An empty slot, or `None` if there is no memory: kernel code must survive that.
        pub(crate) fn new() -> Option<Self> {
            const { assert!(size_of::<Slot<R, B>>() != 0) };
            // SAFETY: the layout's size is not zero.
            let memory = unsafe { alloc::alloc::alloc(Layout::new::<Slot<R, B>>()) };
            let slot = NonNull::new(memory.cast::<Slot<R, B>>())?;
            // SAFETY: freshly allocated for this type.
            unsafe { slot.write(Slot::new()) };
            // INVARIANT: as written.
            Some(Self { slot })
        }
    }

    impl<R: CompletionRoutine, B> Drop for BoxedSlot<R, B> {
        fn drop(&mut self) {
            // A slot has no drop glue of its own; it is empty here, since `InFlight` sees to that.
            // SAFETY: allocated in `new` with this layout.
            unsafe {
                alloc::alloc::dealloc(self.slot.as_ptr().cast(), Layout::new::<Slot<R, B>>());
            }
        }
    }

    impl<R: CompletionRoutine, B> sealed::Sealed for BoxedSlot<R, B> {}
    impl<R: CompletionRoutine, B> Storage for BoxedSlot<R, B> {
        type Routine = R;
        type Buffer = B;
        fn slot(&self) -> &Slot<R, B> {
            // SAFETY: valid and only shared (invariant).
            unsafe { self.slot.as_ref() }
        }
    }

    // SAFETY: owns a `Slot`, which may be sent.
    unsafe impl<R: CompletionRoutine, B: Send> Send for BoxedSlot<R, B> {}
    // SAFETY: gives shared access to a `Slot`, which may be shared.
    unsafe impl<R: CompletionRoutine, B: Send> Sync for BoxedSlot<R, B> {}
}

/// A request that was sent.
#[must_use = "dropping a request in flight cancels it and waits for it"]
pub enum Sent<S: Storage> {
    /// It was completed before the target returned; nobody waits.
    Completed(Completed<S::Routine, S::Buffer>),
    /// It is in flight, or was just completed by another thread.
    InFlight(InFlight<S>),
}

impl<S: Storage> Sent<S> {
    /// # Safety
    /// A request was just sent in the slot of `storage`, by the caller.
    pub(crate) unsafe fn new(storage: S) -> Self {
        if storage.slot().is_finished() {
            // SAFETY: the routine has let go.
            let completed = unsafe { storage.slot().reclaim(false) };
            drop(storage);
            Self::Completed(completed)
        } else {
            // INVARIANT: by contract.
            Self::InFlight(InFlight::new(storage))
        }
    }

    /// The completed request, waiting for it if need be: see [`InFlight::wait`].
    #[must_use = "the request may have failed"]
    pub fn wait(self, at: impl AtMostApc, timeout: Timeout) -> Completed<S::Routine, S::Buffer> {
        match self {
            Self::Completed(completed) => completed,
            Self::InFlight(in_flight) => in_flight.wait(at, timeout),
        }
    }
}

impl<S: Storage> core::fmt::Debug for Sent<S> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Completed(completed) => f.debug_tuple("Completed").field(completed).finish(),
            Self::InFlight(in_flight) => f.debug_tuple("InFlight").field(in_flight).finish(),
        }
    }
}

/// A request in flight: the lower drivers own the IRP, and this handle answers for the memory they use.
///
/// ```
/// # use wdm_irp::{
/// #     ByteOffset, Completing, Irp, IrpError, PassiveLevel, Sent, Signaled, TargetDevice, Timeout, completion_routine,
/// # };
/// # #[completion_routine]
/// # fn done(irp: Completing<'_, ()>) -> Signaled<'_> { irp.signal_if_pended() }
/// fn read_unless(disk: &TargetDevice, stop: fn() -> bool, at: &PassiveLevel) -> Result<usize, IrpError> {
///     let request = Irp::allocate(disk)?.read([0; 512], ByteOffset(0)).on_completion(done, ());
///     let completed = request.send_scoped(at, |sent| match sent {
///         Sent::Completed(completed) => completed,
///         Sent::InFlight(in_flight) => {
///             if stop() {
///                 in_flight.cancel();
///             }
///             in_flight.wait(at, Timeout::seconds(5))
///         }
///     })?;
///     completed.error().map_or(Ok(completed.information()), Err)
/// }
/// ```
///
/// There is no access to IRP, context or buffer (hazards H6, H7). Dropping the handle cancels the request and waits for
/// it, at IRQL <= `APC_LEVEL`. Dropped at `DISPATCH_LEVEL`, where a thread must not wait, it cancels the request and looks
/// once more; if the request is in flight even then, its handle is leaked. It must not be dropped at a higher IRQL. Leaking it
/// is safe: a slot in static memory then stays in use, one on the heap is leaked, each with its IRP, and
/// [`Request::send_scoped`] cancels and waits at its end.
///
/// A routine must not wait for its own request, or drop the handle of it: nobody else would end that wait.
///
/// # Invariants
/// This handle is the originator of a request in the slot of `storage`, and the only one.
#[must_use = "dropping a request in flight cancels it and waits for it"]
pub struct InFlight<S: Storage> {
    /// Taken out once at most: by `into_storage`, or by `drop` when the request is through.
    storage: ManuallyDrop<S>,
}

impl<S: Storage> InFlight<S> {
    fn new(storage: S) -> Self {
        Self {
            storage: ManuallyDrop::new(storage),
        }
    }

    /// Ends the handle without ending the request.
    fn into_storage(self) -> S {
        let mut this = ManuallyDrop::new(self);
        // SAFETY: `this` is never used nor dropped again.
        unsafe { ManuallyDrop::take(&mut this.storage) }
    }

    /// Asks the lower drivers to complete the request soon: `IoCancelIrp`. IRQL <= `DISPATCH_LEVEL`. Any thread, any
    /// number of times, also while the request is being completed.
    pub fn cancel(&self) {
        // SAFETY: in flight as long as there is this handle (invariant).
        unsafe { self.storage.slot().cancel() };
    }

    /// Waits for the request: `KeWaitForSingleObject`, `KernelMode`, not alertable. IRQL <= `APC_LEVEL`.
    ///
    /// If the time-out elapses first, the request is cancelled (`IoCancelIrp`) and waited for without limit: the lower
    /// drivers use this memory until they complete the IRP (hazard H14).
    #[must_use = "the request may have failed"]
    pub fn wait(self, at: impl AtMostApc, timeout: Timeout) -> Completed<S::Routine, S::Buffer> {
        let _ = at;
        let storage = self.into_storage();
        // SAFETY: the handle was the originator (invariant); `at` proves the IRQL.
        let timed_out = unsafe { storage.slot().wait(timeout) };
        // SAFETY: the routine has let go.
        unsafe { storage.slot().reclaim(timed_out) }
    }

    /// The completed request, or the handle if it is still in flight. Does not wait. IRQL <= `DISPATCH_LEVEL`.
    ///
    /// # Errors
    /// The request is in flight.
    pub fn try_complete(self) -> Result<Completed<S::Routine, S::Buffer>, Self> {
        // SAFETY: this handle is the originator (invariant).
        if !unsafe { self.storage.slot().poll() } {
            return Err(self);
        }
        let storage = self.into_storage();
        // SAFETY: the routine has let go.
        Ok(unsafe { storage.slot().reclaim(false) })
    }
}

/// An IRP that is not in flight; see the hidden methods of [`InFlight`].
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "the lower drivers own an IRP in flight, with its context and buffer; call `.wait(at, timeout)` or `.try_complete()` and ask the `Completed` request",
    label = "in flight, so there is nothing to look at yet"
)]
pub trait NotInFlight: sealed::Sealed {}

/// These explain themselves: whoever looks for them gets a sentence instead of a missing method.
#[doc(hidden)]
impl<S: Storage> InFlight<S> {
    pub fn status(&self)
    where
        Self: NotInFlight,
    {
    }
    pub fn information(&self)
    where
        Self: NotInFlight,
    {
    }
    pub fn context(&self)
    where
        Self: NotInFlight,
    {
    }
    pub fn buffer(&self)
    where
        Self: NotInFlight,
    {
    }
}

impl<S: Storage> Drop for InFlight<S> {
    fn drop(&mut self) {
        // SAFETY: this handle is the originator (invariant).
        if !unsafe { self.storage.slot().poll() } {
            if ApcLevel::check().is_ok() {
                // SAFETY: this handle is the originator (invariant), and the IRQL was checked.
                unsafe { self.storage.slot().cancel_and_wait() };
            } else {
                self.cancel();
                // This thread must not wait, but a driver that had queued the IRP has completed it by now.
                // SAFETY: this handle is the originator (invariant).
                let through = unsafe { self.storage.slot().poll() };
                if !through {
                    // Leaving the request in flight is all that is left, and is sound: a scope settles its slot, and no
                    // other slot goes away.
                    return;
                }
            }
        }
        // SAFETY: `self` is not used again; `into_storage` does not run this.
        let storage = unsafe { ManuallyDrop::take(&mut self.storage) };
        // SAFETY: the routine has let go.
        drop(unsafe { storage.slot().reclaim(false) });
    }
}

impl<S: Storage> core::fmt::Debug for InFlight<S> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("InFlight").finish_non_exhaustive()
    }
}
