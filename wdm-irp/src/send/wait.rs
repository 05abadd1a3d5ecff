//! A request that is sent and waited for on this thread's stack.
#![expect(
    clippy::inline_always,
    reason = "else a second caller pays for what the compiler keeps apart: see BENCHMARKS.md"
)]
#![expect(
    clippy::needless_pass_by_value,
    reason = "a proof of the IRQL is given by value or by reference, as the caller likes"
)]

use core::mem::MaybeUninit;
use core::ptr;

use crate::buffer::PoolAligned;
use crate::completed::{Completed, Reusable};
use crate::error::SendError;
use crate::irp::Allocated;
use crate::irql::{AtMostApc, MayReach, MaySend};
use crate::operation::{Callback, Operation, cancel_and_wait};
use crate::request::{Entered, Request, Transfer, release_mdl};
use crate::routine::{CompletionRoutine, trampoline};
use crate::target::Target;
use crate::timeout::Timeout;

impl<T: Target, K, B, R: CompletionRoutine> Request<T, K, B, R> {
    /// Sends the request and waits for it, on this thread's stack: `IofCallDriver`,
    /// `KeWaitForSingleObject` if it pended, `IoCancelIrp` and another wait if the time-out
    /// elapses. Needs no memory but the IRP. The buffer and the target may be borrowed, as this
    /// does not return before the request is completed.
    ///
    /// `at` proves the IRQL: `APC_LEVEL` or lower, `PASSIVE_LEVEL` for flush, shutdown, Plug and
    /// Play, and raw requests, and for targets that are not vouched for another.
    ///
    /// # Errors
    /// The request was not sent, or its status is not a success; both give everything back. A
    /// request that timed out but succeeded before the cancellation reached it is no error: see
    /// [`Completed::timed_out`].
    ///
    /// # Examples
    /// See [`Irp`](crate::irp::Irp).
    #[inline(always)]
    #[expect(
        clippy::type_complexity,
        reason = "what comes back is what the type of the request says"
    )]
    pub fn send_and_wait<P>(
        self,
        at: P,
        timeout: Timeout,
    ) -> Result<Completed<R, B, T>, SendError<Self, Completed<R, B, T>>>
    where
        K: Transfer<B>,
        P: AtMostApc + MaySend<K::Irql> + MayReach<T::Irql>,
    {
        let _ = at;
        // No `Slot`: what the completion routine has no business with is no part of what its
        // pointer leads to, so the compiler may keep it in registers.
        let mut buffer = MaybeUninit::uninit();
        let mut memory = MaybeUninit::uninit();
        // SAFETY: a local of this function.
        unsafe { Operation::init_in_flight(memory.as_mut_ptr()) };
        // SAFETY: written in the line above.
        let operation: &Operation<R::Context> = unsafe { memory.assume_init_ref() };
        let callback = Callback {
            routine: Some(trampoline::<R>),
            context: ptr::from_ref(operation).cast_mut().cast(),
        };
        // SAFETY: the buffer is a local that is not used before the IRP is completed.
        let entered = unsafe { self.enter(&mut buffer, callback) };
        let Entered { irp, context, held } = entered.map_err(SendError::NotSent)?;
        let (irp, target) = irp.into_parts();
        let raw_irp = irp.into_raw();
        // SAFETY: the operation is a fresh local, only ever shared, of this function, in which
        // nothing unwinds and which does not go on before the routine has signaled or finished. The
        // IRP was entered for this target and this operation. `at` proves the IRQL.
        unsafe { operation.send(target.device(), raw_irp, context) };
        let mut timed_out = false;
        if !operation.handshake.is_finished() && !operation.handshake.arrive() {
            // SAFETY: armed, and arrived first; `at` proves the IRQL.
            timed_out = !unsafe { operation.handshake.wait(timeout.relative()) };
            if timed_out {
                // SAFETY: as for the first wait; the IRP is taken back below.
                unsafe { cancel_and_wait(&operation.handshake, raw_irp) };
            }
        }
        // SAFETY: sent above, and the routine has signaled or finished.
        let irp = unsafe { Allocated::from_raw(raw_irp) };
        // SAFETY: completed, so no transfer is under way.
        unsafe { release_mdl(irp.fields()) };
        // SAFETY: `send` has put it there, and the routine has done with it.
        let context = unsafe { operation.take_context() };
        // SAFETY: `enter` has put it there, and the lower drivers have done with it.
        let PoolAligned(buffer) = unsafe { buffer.assume_init_read() };
        drop(held);
        Completed::new(Reusable(irp), target, context, buffer, timed_out)
            .into_outcome()
            .map_err(SendError::Failed)
    }
}
