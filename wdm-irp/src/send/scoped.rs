//! A request that is in flight while a closure runs.
#![expect(
    clippy::inline_always,
    reason = "else a second caller pays for what the compiler keeps apart: see BENCHMARKS.md"
)]
#![expect(
    clippy::needless_pass_by_value,
    reason = "a proof of the IRQL is given by value or by reference, as the caller likes"
)]

use crate::error::NotSent;
use crate::in_flight::{AtEnd, ScopedCanceller, ScopedSlot, Sent, Slot};
use crate::irql::{AtMostApc, MayReach, MaySend};
use crate::request::{Request, Transfer};
use crate::routine::CompletionRoutine;
use crate::target::Target;

impl<T: Target, K, B, R: CompletionRoutine> Request<T, K, B, R> {
    /// Sends the request from this thread's stack and runs `f` while it is in flight. Needs no
    /// memory but the IRP, and the buffer and the target may be borrowed: when `f` returns or
    /// unwinds, a request that is still in flight, even one whose handle was dropped or leaked, is
    /// cancelled and waited for.
    ///
    /// `at` proves the IRQL, as for [`Request::send_and_wait`]. `f` must return at that IRQL, and
    /// must not wait in `UserMode` by other means: the stack, with the event in it, might be paged
    /// out meanwhile.
    ///
    /// # Errors
    /// The request was not sent, and `f` not called.
    ///
    /// ```
    /// use wdm_irp::in_flight::Sent;
    /// use wdm_irp::{
    ///     ByteOffset, Completing, Irp, IrpError, PassiveLevel, Signaled, TargetDevice,
    ///     Timeout, completion_routine,
    /// };
    ///
    /// #[completion_routine]
    /// fn read_done(irp: Completing<'_, ()>) -> Signaled<'_> {
    ///     irp.signal_if_pended()
    /// }
    ///
    /// fn read(
    ///     disk: &TargetDevice,
    ///     block: &mut [u8],
    ///     at: &PassiveLevel,
    /// ) -> Result<usize, IrpError> {
    ///     let request = Irp::allocate(disk)?
    ///         .read(block, ByteOffset(0))
    ///         .on_completion(read_done, ());
    ///     let done = request.send_scoped(at, |sent| {
    ///         // Something useful, while the disk works.
    ///         sent.wait(at, Timeout::seconds(5))
    ///     })?;
    ///     Ok(done?.information())
    /// }
    /// ```
    #[inline(always)]
    pub fn send_scoped<P, F, O>(self, at: P, f: F) -> Result<O, NotSent<Self>>
    where
        K: Transfer<B>,
        P: AtMostApc + MaySend<K::Irql> + MayReach<T::Irql>,
        F: for<'s> FnOnce(Sent<&'s Slot<R, B, T>>) -> O,
    {
        let _ = at;
        let slot = Slot::scoped();
        let _scope = AtEnd(|| {
            // SAFETY: the closure of the caller is over, and with it every handle that was not
            // leaked: none can outlive a call that is generic in its lifetime. `at` proves the
            // IRQL.
            unsafe { slot.end_scope() };
        });
        // SAFETY: a fresh local, which `_scope` ends before this frame, which nothing else sees, is
        // gone; `at` proves the IRQL.
        unsafe { slot.send_scoped(self) }?;
        // SAFETY: sent in the line above.
        Ok(f(unsafe { Sent::new(&slot) }))
    }

    /// Sends the request like [`Request::send_scoped`], and gives `f` a canceller besides: other
    /// threads that `f` waits for may cancel the request, also while this one waits for it. The IRP
    /// is freed at the end, so it does not come back for another use.
    ///
    /// # Errors
    /// The request was not sent, and `f` not called.
    ///
    /// ```
    /// use wdm_irp::in_flight::ScopedCanceller;
    /// use wdm_irp::{ByteOffset, Irp, IrpError, PassiveLevel, TargetDevice, Timeout};
    ///
    /// /// `also_meanwhile` hands the canceller to another thread, for as long as it runs.
    /// fn read(
    ///     disk: &TargetDevice,
    ///     block: &mut [u8],
    ///     also_meanwhile: impl FnOnce(ScopedCanceller<'_>),
    ///     at: &PassiveLevel,
    /// ) -> Result<usize, IrpError> {
    ///     let request = Irp::allocate(disk)?.read(block, ByteOffset(0));
    ///     let done = request.send_scoped_cancellable(at, |sent, canceller| {
    ///         also_meanwhile(canceller);
    ///         sent.wait(at, Timeout::seconds(5))
    ///     })?;
    ///     Ok(done?.information())
    /// }
    /// ```
    pub fn send_scoped_cancellable<P, F, O>(self, at: P, f: F) -> Result<O, NotSent<Self>>
    where
        K: Transfer<B>,
        P: AtMostApc + MaySend<K::Irql> + MayReach<T::Irql>,
        F: for<'s> FnOnce(Sent<&'s ScopedSlot<R, B, T>>, ScopedCanceller<'s>) -> O,
    {
        let _ = at;
        let slot = ScopedSlot::new();
        let _scope = AtEnd(|| {
            // SAFETY: as in `send_scoped`; nor can a canceller outlive the closure.
            unsafe { slot.end_scope() };
        });
        // SAFETY: a fresh local, which `_scope` ends before this frame, which nothing else sees, is
        // gone; `at` proves the IRQL.
        unsafe { slot.send(self) }?;
        // SAFETY: sent in the line above; the closure cannot keep it.
        let canceller = unsafe { slot.canceller() };
        // SAFETY: sent above.
        Ok(f(unsafe { Sent::new(&slot) }, canceller))
    }
}
