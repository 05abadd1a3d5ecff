//! A request that is in flight while a closure runs.
#![expect(
    clippy::needless_pass_by_value,
    reason = "a proof of the IRQL is given by value or by reference, as the caller likes"
)]

use crate::error::NotSent;
use crate::in_flight::{Sent, Slot};
use crate::irql::{AtMostApc, MaySend};
use crate::request::{Armed, Request, Transfer};
use crate::routine::CompletionRoutine;

impl<K, B, R: CompletionRoutine> Request<'_, K, B, Armed<R>> {
    /// Sends the request from this thread's stack and runs `f` while it is in flight. Needs no
    /// heap, and the buffer may be borrowed: when `f` returns or unwinds, a request that is still
    /// in flight, even one whose handle was leaked, is cancelled and waited for.
    ///
    /// `at` proves the IRQL, as for [`Request::send_and_wait`]; `f` must return at that IRQL.
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
                // SAFETY: the slot is a local of the function below, whose closure is over, and
                // with it every handle that was not leaked: none can outlive a call that is generic
                // in its lifetime. The IRQL was proven.
                unsafe { self.0.cancel_and_reclaim() };
            }
        }

        let _ = at;
        let slot = Slot::new();
        let scope = Scope(&slot);
        // SAFETY: `scope` settles the slot before this frame, which nothing else sees, is gone.
        let sent = unsafe { self.send_on_stack(scope.0) }?;
        Ok(f(sent))
    }

    /// # Safety
    /// `slot` is a fresh local of the caller, who settles it before it returns or unwinds. The IRQL
    /// is one at which the request may be sent.
    unsafe fn send_on_stack(self, slot: &Slot<R, B>) -> Result<Sent<&Slot<R, B>>, NotSent<Self>>
    where
        K: Transfer<B>,
    {
        // SAFETY: by contract.
        unsafe { slot.send(self) }?;
        // SAFETY: sent above.
        Ok(unsafe { Sent::new(slot) })
    }
}
