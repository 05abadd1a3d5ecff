//! A request that is not sent yet: without its completion routine, and with it.

use core::marker::PhantomData;

use crate::irp::Irp;
use crate::routine::CompletionRoutine;

/// A request has no completion routine yet.
#[derive(Debug)]
pub struct Unarmed(());

/// A request has the completion routine `R`, and its context.
pub struct Armed<R: CompletionRoutine> {
    context: R::Context,
}

impl<R: CompletionRoutine> core::fmt::Debug for Armed<R> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Armed").finish_non_exhaustive()
    }
}

/// A request of kind `K` that is not yet sent, with its buffer `B`; sendable once `A` is [`Armed`].
///
/// Dropping it frees the IRP and drops buffer and context.
#[must_use = "a request does nothing until it is sent"]
#[derive(Debug)]
pub struct Request<'d, K, B, A = Unarmed> {
    irp: Irp<'d>,
    buffer: B,
    routine: A,
    kind: Kind<K>,
}

impl<'d, K, B> Request<'d, K, B> {
    pub(crate) fn new(irp: Irp<'d>, buffer: B) -> Self {
        Self {
            irp,
            buffer,
            routine: Unarmed(()),
            kind: PhantomData,
        }
    }

    /// Gives the request its completion routine and the context that the routine works on.
    ///
    /// This is the only way to a request that can be sent. The routine will be registered
    /// (`IoSetCompletionRoutine`) for success, error and cancellation; it always returns
    /// `STATUS_MORE_PROCESSING_REQUIRED`.
    ///
    /// Rules: `IoAllocateForward`, `CompletionRoutineRegistered`,
    /// `IoAllocateIrpSignalEventInCompletion3`.
    pub fn on_completion<R: CompletionRoutine>(
        self,
        routine: R,
        context: R::Context,
    ) -> Request<'d, K, B, Armed<R>> {
        // The type says it all.
        drop(routine);
        Request {
            irp: self.irp,
            buffer: self.buffer,
            routine: Armed { context },
            kind: PhantomData,
        }
    }
}

impl<'d, K, B, R: CompletionRoutine> Request<'d, K, B, Armed<R>> {
    pub(crate) fn from_parts(irp: Irp<'d>, buffer: B, context: R::Context) -> Self {
        Self {
            irp,
            buffer,
            routine: Armed { context },
            kind: PhantomData,
        }
    }

    pub(crate) fn into_parts(self) -> (Irp<'d>, B, R::Context) {
        (self.irp, self.buffer, self.routine.context)
    }
}

/// Keeps `PhantomData` of the kinds out of the signatures above.
pub(crate) type Kind<K> = PhantomData<fn() -> K>;
