//! A request in memory of its own, which outlives the call.
#![expect(
    clippy::inline_always,
    reason = "else a second caller pays for what the compiler keeps apart: see BENCHMARKS.md"
)]
#![expect(
    clippy::needless_pass_by_value,
    reason = "a proof of the IRQL is given by value or by reference, as the caller likes"
)]

use crate::error::{IrpError, NotSent};
use crate::in_flight::{BoxedSlot, CancellableSlot, Canceller, Sent, Slot};
use crate::irql::{MayReach, MaySend};
use crate::request::{Request, Transfer};
use crate::routine::CompletionRoutine;
use crate::target::{OwnedTarget, Target};

impl<T: Target, K, B, R: CompletionRoutine> Request<T, K, B, R> {
    /// Sends the request from static memory. Needs no memory but the IRP; buffer and target must be
    /// owned. The IRQL is any at which the request may be sent.
    ///
    /// # Errors
    /// The request was not sent; [`IrpError::SlotInUse`] if the slot holds another.
    ///
    /// ```
    /// use wdm_irp::in_flight::{InFlight, Sent, Slot};
    /// use wdm_irp::irql::{DispatchLevel, UpToDispatch};
    /// use wdm_irp::{
    ///     ByteOffset, Completing, Irp, IrpError, Signaled, TargetDevice, completion_routine,
    /// };
    ///
    /// #[completion_routine]
    /// fn read_done(irp: Completing<'_, ()>) -> Signaled<'_> {
    ///     irp.signal_if_pended()
    /// }
    ///
    /// type Disk = TargetDevice<UpToDispatch>;
    ///
    /// static SLOT: Slot<read_done, [u8; 512], Disk> = Slot::new();
    ///
    /// fn start(
    ///     disk: Disk,
    ///     at: &DispatchLevel,
    /// ) -> Result<Sent<&'static Slot<read_done, [u8; 512], Disk>>, IrpError> {
    ///     let request = Irp::allocate(disk)?
    ///         .read([0; 512], ByteOffset(0))
    ///         .on_completion(read_done, ());
    ///     Ok(request.send_in(&SLOT, at)?)
    /// }
    /// ```
    #[inline(always)]
    pub fn send_in<P>(
        self,
        slot: &'static Slot<R, B, T>,
        at: P,
    ) -> Result<Sent<&'static Slot<R, B, T>>, NotSent<Self>>
    where
        K: Transfer<B>,
        T: OwnedTarget,
        B: Send + 'static,
        P: MaySend<K::Irql> + MayReach<T::Irql>,
    {
        let _ = at;
        if !slot.claim() {
            return Err(NotSent {
                error: IrpError::SlotInUse,
                request: self,
            });
        }
        // SAFETY: the slot was claimed; `at` proves the IRQL.
        unsafe { slot.send_static(self) }.inspect_err(|_| slot.release())?;
        // SAFETY: sent above.
        Ok(unsafe { Sent::new(slot) })
    }

    /// Sends the request from an allocation of its own, in nonpaged pool. Buffer and target must be
    /// owned. The IRQL is any at which the request may be sent.
    ///
    /// # Errors
    /// The request was not sent; [`IrpError::SlotAllocation`] if there is no pool, or if context or
    /// buffer want to be aligned to more than a page.
    ///
    /// ```
    /// # use wdm_irp::in_flight::{InFlight, Sent};
    /// # use wdm_irp::{
    /// #     ByteOffset, Completing, Irp, IrpError, PassiveLevel, Signaled, TargetDevice, Timeout,
    /// #     completion_routine,
    /// # };
    /// # #[completion_routine]
    /// # fn done(irp: Completing<'_, ()>) -> Signaled<'_> { irp.signal_if_pended() }
    /// fn read_both(disks: [TargetDevice; 2], at: &PassiveLevel) -> Result<[usize; 2], IrpError> {
    ///     let start = |disk| -> Result<_, IrpError> {
    ///         let request = Irp::allocate(disk)?.read(vec![0; 4096], ByteOffset(0));
    ///         Ok(request.on_completion(done, ()).send_boxed(at)?)
    ///     };
    ///     // If the second cannot be sent, the first is cancelled and abandoned.
    ///     let [one, two] = disks;
    ///     let sent = [start(one)?, start(two)?];
    ///     let [one, two] = sent.map(|sent| sent.wait(at, Timeout::seconds(5)));
    ///     Ok([one?.information(), two?.information()])
    /// }
    /// ```
    #[inline(always)]
    pub fn send_boxed<P>(self, at: P) -> Result<Sent<BoxedSlot<R, B, T>>, NotSent<Self>>
    where
        K: Transfer<B>,
        T: OwnedTarget,
        B: Send + 'static,
        P: MaySend<K::Irql> + MayReach<T::Irql>,
    {
        let _ = at;
        // SAFETY: `at` proves the IRQL; what is owned may outlive the call and be dropped by
        // another thread: context, buffer and target by their bounds.
        let slot = unsafe { BoxedSlot::send(self) }?;
        // SAFETY: sent in the line above.
        Ok(unsafe { Sent::new(slot) })
    }

    /// Sends the request like [`Request::send_boxed`], and gives a [`Canceller`] besides: the right
    /// to cancel the request from any thread, while another waits for it or nobody does. The IRP
    /// stays with the cancellers, so it does not come back for another use.
    ///
    /// # Errors
    /// The request was not sent; [`IrpError::SlotAllocation`] if there is no pool.
    ///
    /// ```
    /// use wdm_irp::in_flight::{CancellableSlot, Canceller, Sent};
    /// use wdm_irp::routine::SignalIfPended;
    /// use wdm_irp::{ByteOffset, Irp, IrpError, PassiveLevel, TargetDevice};
    ///
    /// type Reading = Sent<CancellableSlot<SignalIfPended, [u8; 512]>>;
    ///
    /// fn start(disk: TargetDevice, at: &PassiveLevel) -> Result<(Reading, Canceller), IrpError> {
    ///     let request = Irp::allocate(disk)?.read([0; 512], ByteOffset(0));
    ///     Ok(request.send_cancellable(at)?)
    /// }
    /// ```
    #[expect(
        clippy::type_complexity,
        reason = "the states of a request are its type"
    )]
    pub fn send_cancellable<P>(
        self,
        at: P,
    ) -> Result<(Sent<CancellableSlot<R, B, T>>, Canceller), NotSent<Self>>
    where
        K: Transfer<B>,
        T: OwnedTarget,
        B: Send + 'static,
        P: MaySend<K::Irql> + MayReach<T::Irql>,
    {
        let _ = at;
        // SAFETY: `at` proves the IRQL; what is owned may outlive the call and be dropped by
        // another thread: context, buffer and target by their bounds.
        let slot = unsafe { CancellableSlot::send(self) }?;
        let canceller = slot.canceller();
        // SAFETY: sent above.
        Ok((unsafe { Sent::new(slot) }, canceller))
    }
}
