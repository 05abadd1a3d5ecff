//! A request that is sent and waited for on this thread's stack.
#![expect(
    clippy::needless_pass_by_value,
    reason = "a proof of the IRQL is given by value or by reference, as the caller likes"
)]

use core::mem::MaybeUninit;

use crate::buffer::PoolAligned;
use crate::completed::Completed;
use crate::error::SendError;
use crate::in_flight::free_completed;
use crate::irql::{AtMostApc, MaySend};
use crate::operation::{Operation, cancel_and_wait};
use crate::request::{Armed, Request, Transfer};
use crate::routine::CompletionRoutine;
use crate::timeout::Timeout;

impl<K, B, R: CompletionRoutine> Request<'_, K, B, Armed<R>> {
    /// Sends the request and waits for it, on this thread's stack: `IofCallDriver`,
    /// `KeWaitForSingleObject` if it pended, `IoCancelIrp` and another wait if the time-out
    /// elapses, `IoFreeIrp`. Needs no heap. The buffer may be borrowed, as this does not return
    /// before the request is completed.
    ///
    /// `at` proves the IRQL: `APC_LEVEL` or lower, `PASSIVE_LEVEL` for flush, shutdown, Plug and
    /// Play, and raw requests.
    ///
    /// # Errors
    /// The request was not sent, or its status is not a success; both give everything back. A
    /// request that timed out but succeeded before the cancellation reached it is no error: see
    /// [`Completed::timed_out`].
    ///
    /// # Examples
    /// See [`Irp`](crate::irp::Irp).
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
        let mut buffer = MaybeUninit::uninit();
        // SAFETY: the buffer is a local that is not touched before the IRP is completed.
        let (irp, context) = unsafe { self.enter(&mut buffer) }.map_err(SendError::NotSent)?;

        // No `Slot`: what the completion routine has no business with is no part of what its
        // pointer leads to, so the compiler may keep it in registers.
        let mut memory = MaybeUninit::uninit();
        let operation = Operation::new_in(&mut memory);
        let raw_irp = irp.as_ptr();
        // SAFETY: the operation is a fresh local, only ever shared, of this function, in which
        // nothing unwinds and which does not go on before the routine has let go; `at` proves the
        // IRQL.
        unsafe { operation.send::<R>(irp, context) };
        let mut timed_out = false;
        if !operation.handshake.is_finished() && !operation.handshake.arrive() {
            // SAFETY: armed, and arrived first; `at` proves the IRQL.
            timed_out = !unsafe { operation.handshake.wait(timeout.relative()) };
            if timed_out {
                // SAFETY: as for the first wait; the IRP is freed below.
                unsafe { cancel_and_wait(&operation.handshake, raw_irp) };
            }
        }
        // SAFETY: sent above, and the routine has let go.
        let (status, information) = unsafe { free_completed(raw_irp) };
        // SAFETY: `send` has put it there, and the routine has let go of it.
        let context = unsafe { operation.take_context() };
        // SAFETY: `enter` has put it there, and the lower drivers have finished with it.
        let PoolAligned(buffer) = unsafe { buffer.assume_init_read() };
        Completed {
            status,
            information,
            timed_out,
            context,
            buffer,
        }
        .into_outcome()
        .map_err(SendError::Failed)
    }
}
