//! The handle that a completion routine gets.

use core::cell::UnsafeCell;
use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::ptr::NonNull;

use super::signaled::{Invocation, Signaled, token};
use crate::error::final_status;
use crate::irql::DispatchLevel;
use crate::operation::{Handshake, Operation};
use crate::sys::{self, DEVICE_OBJECT, NTSTATUS};

/// `PendingReturned` of this IRP has not been looked at.
#[derive(Debug)]
pub enum NotAsked {}
/// `PendingReturned` of this IRP is set.
#[derive(Debug)]
pub enum IsPended {}
/// `PendingReturned` of this IRP is not set.
#[derive(Debug)]
pub enum IsInline {}

/// A completed IRP in its completion routine, before the routine has signaled or finished.
///
/// ```
/// use wdm_irp::PendingReturned::{Inline, Pended};
/// use wdm_irp::{Completing, Signaled, completion_routine};
///
/// #[derive(Default)]
/// struct Outcome {
///     status: i32,
///     pended: bool,
/// }
///
/// #[completion_routine]
/// fn done(mut irp: Completing<'_, Outcome>) -> Signaled<'_> {
///     irp.context_mut().status = irp.status();
///     match irp.pending_returned() {
///         Pended(mut irp) => {
///             irp.context_mut().pended = true;
///             irp.signal()
///         }
///         Inline(irp) => irp.finish(),
///     }
/// }
/// ```
///
/// It can be read until [`signal`](Completing::signal), [`finish`](Completing::finish) or
/// [`signal_if_pended`](Completing::signal_if_pended) consumes it; from then on the originator may
/// have freed everything (hazard [H5]).
///
/// # Invariants
/// 1. `operation` is an armed operation and `irp` its IRP; this value is the completer's only
///    handle of it, and the originator does not access the context while it exists.
/// 2. Until then others access the IRP by `IoCancelIrp` only, which accesses no field that is read
///    here.
///
/// [H5]: https://github.com/wdm-irp/wdm-irp/blob/main/docs/hazards.md#h5
pub struct Completing<'irp, C, P = NotAsked> {
    operation: NonNull<Operation<C>>,
    irp: sys::irp::Irp,
    device: *mut DEVICE_OBJECT,
    _invocation: Invocation<'irp>,
    _pending: PhantomData<P>,
}

/// The two ways of a completed IRP, as `PendingReturned` tells them apart.
#[derive(Debug)]
pub enum PendingReturned<'irp, C> {
    /// A lower driver marked the IRP pending: the originator waits, or will.
    Pended(Completing<'irp, C, IsPended>),
    /// No lower driver marked the IRP pending: by the pending contract it is completed before
    /// `IofCallDriver` returns, and nobody waits.
    Inline(Completing<'irp, C, IsInline>),
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::IsPended {}
    impl Sealed for super::IsInline {}
}

/// States in which a routine may signal.
#[diagnostic::on_unimplemented(
    message = "CompletionEventChecking: KeSetEvent is for an IRP whose PendingReturned is set; call `signal` in the `Pended` arm of `match irp.pending_returned()`, or call `signal_if_pended` instead",
    label = "PendingReturned is not known to be set here"
)]
pub trait MaySignal: sealed::Sealed {}
impl MaySignal for IsPended {}

/// States in which a routine may finish without a signal.
#[diagnostic::on_unimplemented(
    message = "IoAllocateIrpSignalEventInCompletion2: when PendingReturned is set, KeSetEvent must be called; call `finish` in the `Inline` arm of `match irp.pending_returned()` only, `signal` in the `Pended` arm, or `signal_if_pended` for both",
    label = "PendingReturned may be set here"
)]
pub trait MayFinish: sealed::Sealed {}
impl MayFinish for IsInline {}

impl<'irp, C, P> Completing<'irp, C, P> {
    /// The context that was given to
    /// [`Request::on_completion`](crate::request::Request::on_completion).
    ///
    /// The reference ends with the handle, not with `'irp`: there is no context after the token.
    #[must_use]
    pub fn context(&self) -> &C {
        // SAFETY: the context is initialized while the IRP is in flight, and the completer's alone
        // until it signals or finishes (invariant 1); a shared borrow of the handle allows reading.
        unsafe { &*self.context_ptr() }
    }

    /// The context, exclusively: the originator has no access to it while the IRP is in flight.
    #[must_use]
    pub fn context_mut(&mut self) -> &mut C {
        // SAFETY: as above; the exclusive borrow of the handle makes this the only reference.
        unsafe { &mut *self.context_ptr() }
    }

    fn context_ptr(&self) -> *mut C {
        // SAFETY: in bounds of a live operation (invariant 1).
        let context = unsafe { &raw const (*self.operation.as_ptr()).context };
        UnsafeCell::<MaybeUninit<C>>::raw_get(context).cast()
    }

    /// `IoStatus.Status`. The meaningless `STATUS_PENDING` is reported as
    /// `STATUS_DRIVER_INTERNAL_ERROR`.
    #[must_use]
    pub fn status(&self) -> NTSTATUS {
        final_status(self.irp.status())
    }

    /// `IoStatus.Information`.
    #[must_use]
    pub fn information(&self) -> usize {
        self.irp.information()
    }

    /// The routine's `DeviceObject` parameter: the own device of a
    /// [`DevicePair`](crate::target::DevicePair), else null.
    #[must_use]
    pub fn device_object(&self) -> *mut DEVICE_OBJECT {
        self.device
    }

    /// The IRQL a completion routine may rely on. There is no way to a lower one but a check.
    #[must_use]
    pub fn irql(&self) -> DispatchLevel {
        DispatchLevel::in_completion_routine()
    }

    /// Lets the waiting originator go: `KeSetEvent` on the event that the operation owns, at any
    /// IRQL a routine runs at. Rule `IoAllocateIrpSignalEventInCompletion2`.
    ///
    /// Nothing of the IRP exists for this routine afterwards; the token is all that is left.
    #[inline]
    pub fn signal(self) -> Signaled<'irp>
    where
        P: MaySignal,
    {
        // SAFETY: the operation is armed, and this handle, which ends here, is the completer's only
        // one.
        unsafe { Handshake::signal(self.handshake()) };
        self.token()
    }

    /// Leaves without a signal, as `PendingReturned` is not set. (Should the originator wait all
    /// the same, because a lower driver broke the pending contract, it is signaled; hazard [H23].)
    ///
    /// [H23]: https://github.com/wdm-irp/wdm-irp/blob/main/docs/hazards.md#h23
    #[inline]
    pub fn finish(self) -> Signaled<'irp>
    where
        P: MayFinish,
    {
        // SAFETY: as for `signal`.
        unsafe { Handshake::finish(self.handshake()) };
        self.token()
    }

    fn handshake(&self) -> *const Handshake {
        Operation::handshake(self.operation.as_ptr())
    }

    fn token(self) -> Signaled<'irp> {
        token(self._invocation)
    }

    fn with_state<Q>(self) -> Completing<'irp, C, Q> {
        // INVARIANT: the handle is consumed, so there is still one.
        Completing {
            operation: self.operation,
            irp: self.irp,
            device: self.device,
            _invocation: self._invocation,
            _pending: PhantomData,
        }
    }
}

impl<'irp, C> Completing<'irp, C> {
    /// The handle of an invocation.
    ///
    /// # Safety
    /// `operation` is an armed operation and `irp` its IRP, which its routine is called with; there
    /// is no other handle of it.
    pub(super) unsafe fn new(
        operation: NonNull<Operation<C>>,
        irp: sys::irp::Irp,
        device: *mut DEVICE_OBJECT,
    ) -> Self {
        // INVARIANT: by contract.
        Self {
            operation,
            irp,
            device,
            _invocation: PhantomData,
            _pending: PhantomData,
        }
    }

    /// Asks `Irp->PendingReturned`, once: a waiter must be signaled if it is set, and there is
    /// none if it is not.
    #[must_use = "one of the two must be turned into the token"]
    #[inline]
    pub fn pending_returned(self) -> PendingReturned<'irp, C> {
        if self.irp.pending_returned() {
            PendingReturned::Pended(self.with_state())
        } else {
            PendingReturned::Inline(self.with_state())
        }
    }

    /// Signals if and only if `PendingReturned` is set: for routines that treat both alike.
    #[inline]
    pub fn signal_if_pended(self) -> Signaled<'irp> {
        match self.pending_returned() {
            PendingReturned::Pended(irp) => irp.signal(),
            PendingReturned::Inline(irp) => irp.finish(),
        }
    }
}

impl<C, P> core::fmt::Debug for Completing<'_, C, P> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Completing")
            .field("irp", &self.irp.as_ptr())
            .finish_non_exhaustive()
    }
}
