//! The handle of a request in flight.
#![expect(
    clippy::inline_always,
    reason = "else a second caller pays for what the compiler keeps apart: see BENCHMARKS.md"
)]
#![expect(
    clippy::needless_pass_by_value,
    reason = "a proof of the IRQL is given by value or by reference, as the caller likes"
)]

use core::mem::ManuallyDrop;

use super::slot::Slot;
use super::storage::{OutcomeOf, Storage};
use crate::irql::AtMostApc;
use crate::timeout::Timeout;

/// A request in flight: the lower drivers own the IRP, and this handle answers for the memory they
/// use.
///
/// ```
/// # use wdm_irp::in_flight::Sent;
/// # use wdm_irp::{
/// #     ByteOffset, Completing, Irp, IrpError, PassiveLevel, Signaled, TargetDevice, Timeout,
/// #     completion_routine,
/// # };
/// # #[completion_routine]
/// # fn done(irp: Completing<'_, ()>) -> Signaled<'_> { irp.signal_if_pended() }
/// fn read_unless(
///     disk: &TargetDevice,
///     stop: fn() -> bool,
///     at: &PassiveLevel,
/// ) -> Result<usize, IrpError> {
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
///     Ok(completed?.information())
/// }
/// ```
///
/// There is no access to IRP, context or buffer (hazards [H6], [H7]).
///
/// Dropping the handle cancels the request and abandons it, without waiting (hazard [H40]): the
/// last of handle and completion routine drops context, buffer, IRP and target. So they may be
/// dropped on any thread, in the routine, at IRQL <= `DISPATCH_LEVEL`; one that panics there stops
/// the machine, and a long chain of requests, each of which owns the handle of the next, nests as
/// many calls. In [`Request::send_scoped`](crate::request::Request::send_scoped) dropping the
/// handle cancels the request, and the end of the scope waits for it.
///
/// Leaking the handle is safe: a slot in static memory then stays in use, one in pool is leaked,
/// each with its IRP and what is held of the target; a scope cancels and waits at its end.
///
/// A routine must not wait for its own request: nobody else would end that wait.
///
/// # Invariants
/// 1. This handle is the originator of a request in the slot of `storage`, and the only one.
///
/// [H6]: https://github.com/wdm-irp/wdm-irp/blob/main/docs/hazards.md#h6
/// [H7]: https://github.com/wdm-irp/wdm-irp/blob/main/docs/hazards.md#h7
/// [H40]: https://github.com/wdm-irp/wdm-irp/blob/main/docs/hazards.md#h40
#[must_use = "dropping a request in flight cancels and abandons it"]
pub struct InFlight<S: Storage> {
    /// Taken out once at most: by `into_storage`, or by `drop`.
    storage: ManuallyDrop<S>,
}

impl<S: Storage> InFlight<S> {
    #[inline]
    pub(super) fn new(storage: S) -> Self {
        Self {
            storage: ManuallyDrop::new(storage),
        }
    }

    /// Ends the handle without ending the request.
    #[inline]
    fn into_storage(self) -> S {
        let mut this = ManuallyDrop::new(self);
        // SAFETY: `this` is never used nor dropped again.
        unsafe { ManuallyDrop::take(&mut this.storage) }
    }

    /// Returns where the slot is.
    pub(super) fn storage(&self) -> &S {
        &self.storage
    }

    /// Returns the slot. Nobody frees it before the handle leaves.
    #[inline]
    pub(super) fn slot(&self) -> &Slot<S::Routine, S::Buffer, S::Target> {
        // SAFETY: the handle has not left the slot, of which it is the originator (invariant 1).
        unsafe { &*self.storage.slot() }
    }

    /// Returns whether the routine has finished without a signal, before this handle has waited.
    #[inline]
    fn is_finished(&self) -> bool {
        // SAFETY: this handle is the originator (invariant 1).
        unsafe { self.slot().is_finished() }
    }

    /// Ends the handle, and takes the outcome.
    ///
    /// # Safety
    /// The routine has signaled or finished.
    #[inline]
    unsafe fn take(self, timed_out: bool) -> OutcomeOf<S> {
        // SAFETY: the handle was the originator (invariant 1); the rest by contract.
        unsafe { self.into_storage().take(timed_out) }.into_outcome()
    }

    /// Like [`InFlight::take`], so that the way of a request that pends is its own.
    ///
    /// # Safety
    /// As for [`InFlight::take`].
    #[inline(never)]
    pub(super) unsafe fn take_out_of_line(self) -> OutcomeOf<S> {
        // SAFETY: by contract.
        unsafe { self.take(false) }
    }

    /// Asks the lower drivers to complete the request soon (`IoCancelIrp`). IRQL <=
    /// `DISPATCH_LEVEL`.
    ///
    /// Any thread may call it, any number of times, also while the request is being completed. The
    /// driver that has queued the IRP may complete it during the call, so the completion routine
    /// may run on this thread: hold no lock that it takes (hazard [H47]).
    ///
    /// [H47]: https://github.com/wdm-irp/wdm-irp/blob/main/docs/hazards.md#h47
    pub fn cancel(&self) {
        // SAFETY: this handle is the originator (invariant 1).
        unsafe { self.slot().cancel() };
    }

    /// Cancels the request and leaves it to its completion routine: the same as dropping the
    /// handle, said aloud. IRQL <= `DISPATCH_LEVEL`.
    ///
    /// Whoever comes last, the routine or this call, drops context, buffer, IRP and target; in
    /// [`Request::send_scoped`](crate::request::Request::send_scoped) the end of the scope does.
    pub fn abandon(self) {
        drop(self);
    }

    /// Waits for the request (`KeWaitForSingleObject`, `KernelMode`, not alertable). IRQL <=
    /// `APC_LEVEL`.
    ///
    /// If the time-out elapses first, the request is cancelled (`IoCancelIrp`) and waited for
    /// without limit: the lower drivers use this memory until they complete the IRP (hazard [H14]).
    ///
    /// # Errors
    /// The request was completed with a status that is not a success.
    ///
    /// [H14]: https://github.com/wdm-irp/wdm-irp/blob/main/docs/hazards.md#h14
    #[inline]
    pub fn wait(self, at: impl AtMostApc, timeout: Timeout) -> OutcomeOf<S> {
        let _ = at;
        // SAFETY: this handle is the originator (invariant 1); `at` proves the IRQL.
        let timed_out = unsafe { self.slot().wait(timeout) };
        // SAFETY: `wait` returns when the routine has signaled or finished.
        unsafe { self.take(timed_out) }
    }

    /// Waits for the request, and gives it back if the time-out elapses first: still in flight, and
    /// not cancelled. IRQL <= `APC_LEVEL`.
    ///
    /// ```
    /// # use wdm_irp::in_flight::{InFlight, Slot};
    /// # use wdm_irp::routine::SignalIfPended;
    /// # use wdm_irp::{IrpError, PassiveLevel, Timeout};
    /// # fn log(_: &str) {}
    /// fn wait_with_patience(
    ///     mut request: InFlight<&'static Slot<SignalIfPended, [u8; 512]>>,
    ///     at: &PassiveLevel,
    /// ) -> Result<usize, IrpError> {
    ///     let outcome = loop {
    ///         match request.wait_for(at, Timeout::seconds(1)) {
    ///             Ok(outcome) => break outcome,
    ///             Err(still_in_flight) => request = still_in_flight,
    ///         }
    ///         log("the disk is slow");
    ///     };
    ///     Ok(outcome?.information())
    /// }
    /// ```
    ///
    /// # Errors
    /// The request is in flight.
    #[inline(always)]
    pub fn wait_for(self, at: impl AtMostApc, timeout: Timeout) -> Result<OutcomeOf<S>, Self> {
        let _ = at;
        // SAFETY: this handle is the originator (invariant 1); `at` proves the IRQL.
        if unsafe { self.slot().wait_for(timeout) } {
            // SAFETY: the routine has signaled or finished.
            Ok(unsafe { self.take(false) })
        } else {
            Err(self)
        }
    }

    /// Looks whether the request is completed, without waiting: the outcome, or the handle if it is
    /// still in flight. IRQL <= `DISPATCH_LEVEL`.
    ///
    /// # Errors
    /// The request is in flight.
    pub fn try_complete(self) -> Result<OutcomeOf<S>, Self> {
        // SAFETY: this handle is the originator (invariant 1).
        if unsafe { self.slot().poll() } {
            // SAFETY: the routine has signaled or finished.
            Ok(unsafe { self.take(false) })
        } else {
            Err(self)
        }
    }
}

impl<S: Storage> Drop for InFlight<S> {
    fn drop(&mut self) {
        let is_finished = self.is_finished();
        if !is_finished {
            // Before the handle leaves: the routine may free the IRP from then on.
            self.cancel();
        }
        // SAFETY: `self` is not used again; `into_storage` does not run this.
        let storage = unsafe { ManuallyDrop::take(&mut self.storage) };
        if is_finished {
            // SAFETY: this handle was the originator (invariant 1), and the routine has finished.
            drop(unsafe { storage.take(false) });
        } else {
            // SAFETY: this handle was the originator (invariant 1), and has cancelled the IRP.
            unsafe { storage.abandon() };
        }
    }
}

impl<S: Storage> core::fmt::Debug for InFlight<S> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("InFlight").finish_non_exhaustive()
    }
}
