//! A request: from its arguments to its completion routine to the target.
#![expect(
    clippy::needless_pass_by_value,
    reason = "a proof of the IRQL is given by value or by reference, as the caller likes"
)]

use core::marker::PhantomData;
use core::mem::MaybeUninit;

use crate::buffer::{Attachment, PoolAligned, Transfer};
use crate::completed::Completed;
use crate::error::{IrpError, NotSent, SendError};
use crate::irp::{Irp, Kind};
use crate::irql::{AtMostApc, MaySend};
use crate::routine::CompletionRoutine;
#[cfg(feature = "alloc")]
use crate::slot::BoxedSlot;
use crate::slot::{Header, Sent, Slot, cancel_and_wait, free_completed};
use crate::timeout::Timeout;

/// A request has no completion routine yet.
#[derive(Debug)]
pub struct Unarmed(());

/// A request has the completion routine `R`, and its context.
pub struct Armed<R: CompletionRoutine> {
    context: R::Context,
}

impl<R: CompletionRoutine> core::fmt::Debug for Armed<R> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Armed").finish_non_exhaustive()
    }
}

/// A request of kind `K` that is not yet sent, with its buffer `B`; sendable once `A` is [`Armed`].
///
/// Dropping it frees the IRP and drops buffer and context.
#[must_use = "a request does nothing until it is sent"]
#[derive(Debug)]
pub struct Request<'d, K, B, A = Unarmed> {
    irp: Irp<'d>,
    buffer: B,
    routine: A,
    kind: Kind<K>,
}

impl<'d, K, B> Request<'d, K, B> {
    pub(crate) fn new(irp: Irp<'d>, buffer: B) -> Self {
        Self {
            irp,
            buffer,
            routine: Unarmed(()),
            kind: PhantomData,
        }
    }

    /// Gives the request its completion routine and the context that the routine works on.
    ///
    /// This is the only way to a request that can be sent. The routine will be registered (`IoSetCompletionRoutine`) for
    /// success, error and cancellation; it always returns `STATUS_MORE_PROCESSING_REQUIRED`.
    ///
    /// Rules: `IoAllocateForward`, `CompletionRoutineRegistered`, `IoAllocateIrpSignalEventInCompletion3`.
    pub fn on_completion<R: CompletionRoutine>(
        self,
        routine: R,
        context: R::Context,
    ) -> Request<'d, K, B, Armed<R>> {
        // The type says it all.
        drop(routine);
        Request {
            irp: self.irp,
            buffer: self.buffer,
            routine: Armed { context },
            kind: PhantomData,
        }
    }
}

impl<'d, K, B, R: CompletionRoutine> Request<'d, K, B, Armed<R>> {
    pub(crate) fn from_parts(irp: Irp<'d>, buffer: B, context: R::Context) -> Self {
        Self {
            irp,
            buffer,
            routine: Armed { context },
            kind: PhantomData,
        }
    }

    pub(crate) fn into_parts(self) -> (Irp<'d>, B, R::Context) {
        (self.irp, self.buffer, self.routine.context)
    }

    /// Sends the request and waits for it, on this thread's stack: `IofCallDriver`, `KeWaitForSingleObject` if it pended,
    /// `IoCancelIrp` and another wait if the time-out elapses, `IoFreeIrp`. Needs no heap. The buffer may be borrowed, as
    /// this does not return before the request is completed.
    ///
    /// `at` proves the IRQL: `APC_LEVEL` or lower, `PASSIVE_LEVEL` for flush, shutdown, Plug and Play, and raw requests.
    ///
    /// # Errors
    /// The request was not sent, or its status is not a success; both give everything back. A request that
    /// timed out but succeeded before the cancellation reached it is no error: see [`Completed::timed_out`].
    ///
    /// # Examples
    /// See [`Irp`].
    pub fn send_and_wait<P>(
        self,
        at: P,
        timeout: Timeout,
    ) -> Result<Completed<R, B>, SendError<Self, Completed<R, B>>>
    where
        K: Transfer<B>,
        P: AtMostApc + MaySend<K::Irql>,
    {
        let _ = at;
        let (irp, buffer, context) = self.into_parts();
        let mut buffer = PoolAligned(buffer);
        let attachment = Attachment::new(&irp);
        // SAFETY: the buffer is a local that is not touched before the IRP is completed.
        if let Err(error) = unsafe { K::attach(&attachment, &mut buffer.0) } {
            let request = Self::from_parts(irp, buffer.0, context);
            return Err(SendError::NotSent(NotSent { error, request }));
        }

        // No `Slot`: what the completion routine has no business with is no part of what its pointer leads to, so the
        // compiler may keep it in registers.
        let mut memory = MaybeUninit::uninit();
        let header = Header::new_in(&mut memory);
        let raw_irp = irp.as_ptr();
        // SAFETY: the header is a fresh local, only ever shared, of this function, in which nothing unwinds and which does
        // not go on before the routine has let go; `at` proves the IRQL.
        unsafe { header.send::<R>(irp, context) };
        let mut timed_out = false;
        if !header.handshake.is_finished() && !header.handshake.arrive() {
            // SAFETY: armed, and arrived first; `at` proves the IRQL.
            timed_out = !unsafe { header.handshake.wait(timeout.relative()) };
            if timed_out {
                // SAFETY: as for the first wait; the IRP is freed below.
                unsafe { cancel_and_wait(&header.handshake, raw_irp) };
            }
        }
        // SAFETY: sent above, and the routine has let go.
        let (status, information) = unsafe { free_completed(raw_irp) };
        // SAFETY: `send` has put it there, and the routine has let go of it.
        let context = unsafe { header.take_context() };
        Completed {
            status,
            information,
            timed_out,
            context,
            buffer: buffer.0,
        }
        .into_result()
        .map_err(SendError::Failed)
    }

    /// Sends the request from this thread's stack and runs `f` while it is in flight. Needs no heap, and the buffer may be
    /// borrowed: when `f` returns or unwinds, a request that is still in flight, even one whose handle was leaked, is
    /// cancelled and waited for.
    ///
    /// `at` proves the IRQL, as for [`Request::send_and_wait`]; `f` must return at that IRQL.
    ///
    /// # Errors
    /// The request was not sent, and `f` not called.
    ///
    /// ```
    /// use wdm_irp::{
    ///     ByteOffset, Completing, Irp, IrpError, PassiveLevel, Sent, Signaled, TargetDevice, Timeout, completion_routine,
    /// };
    ///
    /// #[completion_routine]
    /// fn read_done(irp: Completing<'_, ()>) -> Signaled<'_> {
    ///     irp.signal_if_pended()
    /// }
    ///
    /// fn read(disk: &TargetDevice, block: &mut [u8], at: &PassiveLevel) -> Result<usize, IrpError> {
    ///     let request = Irp::allocate(disk)?.read(block, ByteOffset(0)).on_completion(read_done, ());
    ///     let done = request.send_scoped(at, |sent| {
    ///         // Something useful, while the disk works.
    ///         sent.wait(at, Timeout::seconds(5))
    ///     })?;
    ///     Ok(done.information())
    /// }
    /// ```
    pub fn send_scoped<P, F, T>(self, at: P, f: F) -> Result<T, NotSent<Self>>
    where
        K: Transfer<B>,
        P: AtMostApc + MaySend<K::Irql>,
        F: for<'s> FnOnce(Sent<&'s Slot<R, B>>) -> T,
    {
        /// Settles the slot at the end of the scope, however the scope ends.
        struct Scope<'s, R: CompletionRoutine, B>(&'s Slot<R, B>);

        impl<R: CompletionRoutine, B> Drop for Scope<'_, R, B> {
            fn drop(&mut self) {
                // SAFETY: the slot is a local of the function below, whose closure is over, and with it every handle that
                // was not leaked: none can outlive a call that is generic in its lifetime. The IRQL was proven.
                unsafe { self.0.settle() };
            }
        }

        let _ = at;
        let slot = Slot::new();
        let scope = Scope(&slot);
        // SAFETY: `scope` settles the slot before this frame, which nothing else sees, is gone.
        let sent = unsafe { self.send_on_stack(scope.0) }?;
        Ok(f(sent))
    }

    /// Sends the request from static memory. Needs no heap; the buffer must be owned. The IRQL is any at which the request may
    /// be sent.
    ///
    /// # Errors
    /// The request was not sent; [`IrpError::SlotInUse`] if the slot holds another.
    ///
    /// ```
    /// use wdm_irp::{
    ///     ByteOffset, Completing, DispatchLevel, InFlight, Irp, IrpError, Sent, Signaled, Slot, TargetDevice,
    ///     completion_routine,
    /// };
    ///
    /// #[completion_routine]
    /// fn read_done(irp: Completing<'_, ()>) -> Signaled<'_> {
    ///     irp.signal_if_pended()
    /// }
    ///
    /// static SLOT: Slot<read_done, [u8; 512]> = Slot::new();
    ///
    /// fn start(disk: &TargetDevice, at: &DispatchLevel) -> Result<Sent<&'static Slot<read_done, [u8; 512]>>, IrpError> {
    ///     let request = Irp::allocate(disk)?.read([0; 512], ByteOffset(0)).on_completion(read_done, ());
    ///     Ok(request.send_in(&SLOT, at)?)
    /// }
    /// ```
    pub fn send_in<P>(
        self,
        slot: &'static Slot<R, B>,
        at: P,
    ) -> Result<Sent<&'static Slot<R, B>>, NotSent<Self>>
    where
        K: Transfer<B>,
        B: Send + 'static,
        P: MaySend<K::Irql>,
    {
        let _ = at;
        if !slot.claim() {
            return Err(NotSent {
                error: IrpError::SlotInUse,
                request: self,
            });
        }
        // SAFETY: the slot was claimed, is static, and static slots are only ever shared; `at` proves the IRQL.
        unsafe { slot.send(self) }.inspect_err(|_| slot.release())?;
        // SAFETY: sent above.
        Ok(unsafe { Sent::new(slot) })
    }

    /// Sends the request from a heap allocation of its own, which the handle owns. The buffer must be owned. The IRQL is any at
    /// which the request may be sent. The global allocator must be nonpaged.
    ///
    /// # Errors
    /// The request was not sent; [`IrpError::SlotAllocation`] if there is no memory.
    ///
    /// ```
    /// # use wdm_irp::{
    /// #     ByteOffset, Completing, InFlight, Irp, IrpError, PassiveLevel, Sent, Signaled, TargetDevice, Timeout,
    /// #     completion_routine,
    /// # };
    /// # #[completion_routine]
    /// # fn done(irp: Completing<'_, ()>) -> Signaled<'_> { irp.signal_if_pended() }
    /// fn read_both(disks: [&TargetDevice; 2], at: &PassiveLevel) -> Result<[usize; 2], IrpError> {
    ///     let start = |disk| -> Result<_, IrpError> {
    ///         Ok(Irp::allocate(disk)?.read(vec![0; 4096], ByteOffset(0)).on_completion(done, ()).send_boxed(at)?)
    ///     };
    ///     // If the second cannot be sent, the first is cancelled and waited for.
    ///     let sent = [start(disks[0])?, start(disks[1])?];
    ///     Ok(sent.map(|sent| sent.wait(at, Timeout::seconds(5)).information()))
    /// }
    /// ```
    #[cfg(feature = "alloc")]
    pub fn send_boxed<P>(self, at: P) -> Result<Sent<BoxedSlot<R, B>>, NotSent<Self>>
    where
        K: Transfer<B>,
        B: Send + 'static,
        P: MaySend<K::Irql>,
    {
        use crate::slot::Storage;

        let _ = at;
        let Some(slot) = BoxedSlot::new() else {
            return Err(NotSent {
                error: IrpError::SlotAllocation,
                request: self,
            });
        };
        // SAFETY: the slot is fresh, and its allocation lives as long as the handle, or for ever if that is leaked; `at`
        // proves the IRQL.
        unsafe { slot.slot().send(self) }?;
        // SAFETY: sent above.
        Ok(unsafe { Sent::new(slot) })
    }

    /// # Safety
    /// `slot` is a fresh local of the caller, who settles it before it returns or unwinds. The IRQL is one at which the
    /// request may be sent.
    unsafe fn send_on_stack(
        self,
        slot: &Slot<R, B>,
    ) -> Result<Sent<&Slot<R, B>>, NotSent<Self>>
    where
        K: Transfer<B>,
    {
        // SAFETY: by contract.
        unsafe { slot.send(self) }?;
        // SAFETY: sent above.
        Ok(unsafe { Sent::new(slot) })
    }
}

/// A request that can be sent; see the hidden methods of an unarmed [`Request`].
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "IoAllocateForward: an IRP must have a completion routine before it is sent; call `.on_completion(routine, context)` on the request first",
    label = "this IRP has no completion routine"
)]
pub trait HasCompletionRoutine {}

/// These explain themselves: whoever looks for them gets a sentence instead of a missing method.
#[doc(hidden)]
impl<K, B> Request<'_, K, B> {
    pub fn send_and_wait<P, T>(self, _: P, _: Timeout) -> T
    where
        Self: HasCompletionRoutine,
    {
        unreachable!()
    }
    pub fn send_scoped<P, F, T>(self, _: P, _: F) -> T
    where
        Self: HasCompletionRoutine,
    {
        unreachable!()
    }
    pub fn send_in<S, P, T>(self, _: S, _: P) -> T
    where
        Self: HasCompletionRoutine,
    {
        unreachable!()
    }
    pub fn send_boxed<P, T>(self, _: P) -> T
    where
        Self: HasCompletionRoutine,
    {
        unreachable!()
    }
}
