//! A request in memory of its own, which outlives the call.
#![expect(
    clippy::needless_pass_by_value,
    reason = "a proof of the IRQL is given by value or by reference, as the caller likes"
)]

use crate::error::{IrpError, NotSent};
#[cfg(feature = "alloc")]
use crate::in_flight::BoxedSlot;
use crate::in_flight::{Sent, Slot};
use crate::irql::MaySend;
use crate::request::{Armed, Request, Transfer};
use crate::routine::CompletionRoutine;

impl<K, B, R: CompletionRoutine> Request<'_, K, B, Armed<R>> {
    /// Sends the request from static memory. Needs no heap; the buffer must be owned. The IRQL is
    /// any at which the request may be sent.
    ///
    /// # Errors
    /// The request was not sent; [`IrpError::SlotInUse`] if the slot holds another.
    ///
    /// ```
    /// use wdm_irp::in_flight::{InFlight, Sent, Slot};
    /// use wdm_irp::irql::DispatchLevel;
    /// use wdm_irp::{
    ///     ByteOffset, Completing, Irp, IrpError, Signaled, TargetDevice, completion_routine,
    /// };
    ///
    /// #[completion_routine]
    /// fn read_done(irp: Completing<'_, ()>) -> Signaled<'_> {
    ///     irp.signal_if_pended()
    /// }
    ///
    /// static SLOT: Slot<read_done, [u8; 512]> = Slot::new();
    ///
    /// fn start(
    ///     disk: &TargetDevice,
    ///     at: &DispatchLevel,
    /// ) -> Result<Sent<&'static Slot<read_done, [u8; 512]>>, IrpError> {
    ///     let request = Irp::allocate(disk)?
    ///         .read([0; 512], ByteOffset(0))
    ///         .on_completion(read_done, ());
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
        // SAFETY: the slot was claimed, is static, and static slots are only ever shared; `at`
        // proves the IRQL.
        unsafe { slot.send(self) }.inspect_err(|_| slot.release())?;
        // SAFETY: sent above.
        Ok(unsafe { Sent::new(slot) })
    }

    /// Sends the request from a heap allocation of its own, which the handle owns. The buffer must
    /// be owned. The IRQL is any at which the request may be sent. The global allocator must be
    /// nonpaged.
    ///
    /// # Errors
    /// The request was not sent; [`IrpError::SlotAllocation`] if there is no memory.
    ///
    /// ```
    /// # use wdm_irp::in_flight::{InFlight, Sent};
    /// # use wdm_irp::{
    /// #     ByteOffset, Completing, Irp, IrpError, PassiveLevel, Signaled, TargetDevice, Timeout,
    /// #     completion_routine,
    /// # };
    /// # #[completion_routine]
    /// # fn done(irp: Completing<'_, ()>) -> Signaled<'_> { irp.signal_if_pended() }
    /// fn read_both(disks: [&TargetDevice; 2], at: &PassiveLevel) -> Result<[usize; 2], IrpError> {
    ///     let start = |disk| -> Result<_, IrpError> {
    ///         let request = Irp::allocate(disk)?.read(vec![0; 4096], ByteOffset(0));
    ///         Ok(request.on_completion(done, ()).send_boxed(at)?)
    ///     };
    ///     // If the second cannot be sent, the first is cancelled and waited for.
    ///     let sent = [start(disks[0])?, start(disks[1])?];
    ///     let [one, two] = sent.map(|sent| sent.wait(at, Timeout::seconds(5)));
    ///     Ok([one?.information(), two?.information()])
    /// }
    /// ```
    #[cfg(feature = "alloc")]
    pub fn send_boxed<P>(self, at: P) -> Result<Sent<BoxedSlot<R, B>>, NotSent<Self>>
    where
        K: Transfer<B>,
        B: Send + 'static,
        P: MaySend<K::Irql>,
    {
        use crate::in_flight::Storage;

        let _ = at;
        let Some(slot) = BoxedSlot::new() else {
            return Err(NotSent {
                error: IrpError::SlotAllocation,
                request: self,
            });
        };
        // SAFETY: the slot is fresh, and its allocation lives as long as the handle, or for ever if
        // that is leaked; `at` proves the IRQL.
        unsafe { slot.slot().send(self) }?;
        // SAFETY: sent above.
        Ok(unsafe { Sent::new(slot) })
    }
}
