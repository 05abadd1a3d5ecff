//! The handle that answers for a request in flight.
#![expect(
    clippy::needless_pass_by_value,
    reason = "a proof of the IRQL is given by value or by reference, as the caller likes"
)]

use core::mem::ManuallyDrop;

use super::slot::{Storage, sealed};
use crate::completed::Outcome;
use crate::irql::{ApcLevel, AtMostApc};
use crate::timeout::Timeout;

/// A request that was sent.
#[must_use = "dropping a request in flight cancels it and waits for it"]
pub enum Sent<S: Storage> {
    /// It was completed before the target returned; nobody waits.
    Completed(Outcome<S::Routine, S::Buffer>),
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
            Self::Completed(completed.into_outcome())
        } else {
            // INVARIANT: by contract.
            Self::InFlight(InFlight::new(storage))
        }
    }

    /// Returns the outcome, waiting for it if need be: see [`InFlight::wait`].
    ///
    /// # Errors
    /// The request was completed with a status that is not a success.
    pub fn wait(self, at: impl AtMostApc, timeout: Timeout) -> Outcome<S::Routine, S::Buffer> {
        match self {
            Self::Completed(outcome) => outcome,
            Self::InFlight(in_flight) => in_flight.wait(at, timeout),
        }
    }
}

impl<S: Storage> core::fmt::Debug for Sent<S> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Completed(outcome) => f.debug_tuple("Completed").field(outcome).finish(),
            Self::InFlight(in_flight) => f.debug_tuple("InFlight").field(in_flight).finish(),
        }
    }
}

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
/// There is no access to IRP, context or buffer (hazards [H6], [H7]). Dropping the handle cancels
/// the request and waits for it, at IRQL <= `APC_LEVEL`. Dropped at `DISPATCH_LEVEL`, where a
/// thread must not wait, it cancels the request and looks once more; if the request is in flight
/// even then, its handle is leaked. It must not be dropped at a higher IRQL. Leaking it is safe: a
/// slot in static memory then stays in use, one on the heap is leaked, each with its IRP, and
/// [`Request::send_scoped`](crate::request::Request::send_scoped) cancels and waits at its end.
///
/// A routine must not wait for its own request, or drop the handle of it: nobody else would end
/// that wait.
///
/// # Invariants
/// This handle is the originator of a request in the slot of `storage`, and the only one.
///
/// [H6]: https://github.com/wdm-irp/wdm-irp/blob/main/docs/hazards.md#h6
/// [H7]: https://github.com/wdm-irp/wdm-irp/blob/main/docs/hazards.md#h7
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

    /// Asks the lower drivers to complete the request soon: `IoCancelIrp`. IRQL <=
    /// `DISPATCH_LEVEL`. Any thread, any number of times, also while the request is being
    /// completed.
    pub fn cancel(&self) {
        // SAFETY: in flight as long as there is this handle (invariant).
        unsafe { self.storage.slot().cancel() };
    }

    /// Waits for the request: `KeWaitForSingleObject`, `KernelMode`, not alertable. IRQL <=
    /// `APC_LEVEL`.
    ///
    /// If the time-out elapses first, the request is cancelled (`IoCancelIrp`) and waited for
    /// without limit: the lower drivers use this memory until they complete the IRP (hazard [H14]).
    ///
    /// [H14]: https://github.com/wdm-irp/wdm-irp/blob/main/docs/hazards.md#h14
    ///
    /// # Errors
    /// The request was completed with a status that is not a success.
    pub fn wait(self, at: impl AtMostApc, timeout: Timeout) -> Outcome<S::Routine, S::Buffer> {
        let _ = at;
        let storage = self.into_storage();
        // SAFETY: the handle was the originator (invariant); `at` proves the IRQL.
        let timed_out = unsafe { storage.slot().wait(timeout) };
        // SAFETY: the routine has let go.
        unsafe { storage.slot().reclaim(timed_out) }.into_outcome()
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
    pub fn wait_for(
        self,
        at: impl AtMostApc,
        timeout: Timeout,
    ) -> Result<Outcome<S::Routine, S::Buffer>, Self> {
        let _ = at;
        // SAFETY: this handle is the originator (invariant); `at` proves the IRQL.
        if unsafe { self.storage.slot().wait_for(timeout) } {
            // SAFETY: the routine has let go.
            Ok(unsafe { self.reclaim() })
        } else {
            Err(self)
        }
    }

    /// Looks whether the request is completed, without waiting: the outcome, or the handle if it is
    /// still in flight. IRQL <= `DISPATCH_LEVEL`.
    ///
    /// # Errors
    /// The request is in flight.
    pub fn try_complete(self) -> Result<Outcome<S::Routine, S::Buffer>, Self> {
        // SAFETY: this handle is the originator (invariant).
        if unsafe { self.storage.slot().poll() } {
            // SAFETY: the routine has let go.
            Ok(unsafe { self.reclaim() })
        } else {
            Err(self)
        }
    }

    /// Takes everything back.
    ///
    /// # Safety
    /// The routine has let go.
    unsafe fn reclaim(self) -> Outcome<S::Routine, S::Buffer> {
        let storage = self.into_storage();
        // SAFETY: the handle was the originator (invariant); the rest by contract.
        unsafe { storage.slot().reclaim(false) }.into_outcome()
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
                // This thread must not wait, but a driver that had queued the IRP has completed it
                // by now.
                // SAFETY: this handle is the originator (invariant).
                let through = unsafe { self.storage.slot().poll() };
                if !through {
                    // Leaving the request in flight is all that is left, and is sound: a scope
                    // settles its slot, and no other slot goes away.
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
