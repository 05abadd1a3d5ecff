//! A request that is not sent yet: without its completion routine, and with it.

use core::mem::MaybeUninit;

use super::transfer::{Fields, Transfer};
use crate::buffer::PoolAligned;
use crate::error::NotSent;
use crate::irp::Irp;
use crate::routine::{CompletionRoutine, SignalIfPended};

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
    kind: K,
    buffer: B,
    routine: A,
}

impl<'d, K, B> Request<'d, K, B> {
    pub(super) fn new(irp: Irp<'d>, kind: K, buffer: B) -> Self {
        Self {
            irp,
            kind,
            buffer,
            routine: Unarmed(()),
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
            kind: self.kind,
            buffer: self.buffer,
            routine: Armed { context },
        }
    }
}

impl<'d, K, B> Request<'d, K, B> {
    /// Gives the request the library's own completion routine.
    #[inline]
    pub(crate) fn signal_if_pended(self) -> Request<'d, K, B, Armed<SignalIfPended>> {
        Request {
            irp: self.irp,
            kind: self.kind,
            buffer: self.buffer,
            routine: Armed { context: () },
        }
    }
}

impl<'d, K, B, R: CompletionRoutine> Request<'d, K, B, Armed<R>> {
    /// Moves the buffer to its place and enters the request there; or gives everything back.
    ///
    /// # Safety
    /// Nobody else uses `place`. After `Ok` it holds the buffer, stays where it is, and is not used
    /// until the IRP is completed.
    #[inline]
    pub(crate) unsafe fn enter(
        self,
        place: &mut MaybeUninit<PoolAligned<B>>,
    ) -> Result<(Irp<'d>, R::Context), NotSent<Self>>
    where
        K: Transfer<B>,
    {
        let Self {
            irp,
            kind,
            buffer,
            routine: Armed { context },
        } = self;
        let PoolAligned(in_place) = place.write(PoolAligned(buffer));
        // SAFETY: the buffer is in its place, where it stays by contract.
        match unsafe { kind.enter(&Fields::new(&irp), in_place) } {
            Ok(()) => Ok((irp, context)),
            Err(error) => {
                // SAFETY: written above, and the place is not read again: it holds nothing now.
                let PoolAligned(buffer) = unsafe { place.assume_init_read() };
                let request = Self {
                    irp,
                    kind,
                    buffer,
                    routine: Armed { context },
                };
                Err(NotSent { error, request })
            }
        }
    }
}
