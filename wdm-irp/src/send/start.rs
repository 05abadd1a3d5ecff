//! From a request to its target: the moment at which the IRP is the lower drivers'.

use core::ptr;

use crate::error::NotSent;
use crate::in_flight::Slot;
use crate::irp::Irp;
use crate::operation::Operation;
use crate::request::{Armed, Request, Transfer};
use crate::routine::{CompletionRoutine, trampoline};
use crate::sys;

impl<C> Operation<C> {
    /// Takes the context, arms the operation and calls the target.
    ///
    /// # Safety
    /// - The operation is the caller's, without a context, and `irp` has a request for its target.
    /// - Until the routine has let go, the operation stays where it is and nobody has an exclusive
    ///   reference to it; until then the caller neither frees the IRP nor releases what is attached
    ///   to it.
    /// - The IRQL is one at which the request may be sent.
    #[inline]
    pub(crate) unsafe fn send<R: CompletionRoutine<Context = C>>(&self, irp: Irp<'_>, context: C) {
        let target = irp.target();
        let next = irp.next_location();
        let irp = irp.into_raw();
        // SAFETY: the operation is the caller's; the old value is uninitialized.
        unsafe { &mut *self.context.get() }.write(context);
        let operation = ptr::from_ref(self).cast_mut().cast();
        next.set_completion_routine(Some(trampoline::<R>), operation, sys::SL_INVOKE_ALWAYS);
        // SAFETY: the last round is over, since the operation had no context, and it does not move.
        unsafe { self.handshake.begin() };
        // The status says what the lower driver wants the caller to believe; the handshake knows.
        // SAFETY: the IRP is ours, complete, and was allocated for this target, which is valid.
        let _ = unsafe { sys::IofCallDriver(target.as_ptr(), irp) };
    }
}

impl<R: CompletionRoutine, B> Slot<R, B> {
    /// Moves the request into the slot, arms it and calls the target. On an error the request comes
    /// back and the slot holds nothing.
    ///
    /// # Safety
    /// The slot is the caller's (fresh or claimed) and fulfils its first two invariants until it is
    /// reclaimed. The IRQL is one at which the request may be sent.
    pub(crate) unsafe fn send<'d, K: Transfer<B>>(
        &self,
        request: Request<'d, K, B, Armed<R>>,
    ) -> Result<(), NotSent<Request<'d, K, B, Armed<R>>>> {
        // SAFETY: the slot is the caller's, so there is no other reference to its buffer.
        let place = unsafe { &mut *self.buffer.get() };
        // SAFETY: as for `place`; the slot does not move, by contract.
        let (irp, context) = unsafe { request.enter(place) }?;
        // SAFETY: the slot is the caller's.
        unsafe { *self.irp.get() = irp.as_ptr() };
        // INVARIANT: the slot now holds the request.
        // SAFETY: the slot was empty; the rest by contract.
        unsafe { self.operation.send::<R>(irp, context) };
        Ok(())
    }
}
