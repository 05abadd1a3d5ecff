//! A request that is not sent yet, with its completion routine.
#![expect(
    clippy::inline_always,
    reason = "else a second caller pays for what the compiler keeps apart: see BENCHMARKS.md"
)]

use core::mem::MaybeUninit;

use super::transfer::{Fields, Transfer, release_mdl};
use crate::buffer::PoolAligned;
use crate::error::NotSent;
use crate::irp::Irp;
use crate::operation::Callback;
use crate::routine::{CompletionRoutine, SignalIfPended};
use crate::sys::IRP;
use crate::target::Target;

/// A request of kind `K` to the target `T` that is not yet sent, with its buffer `B`.
///
/// `R` is its completion routine: the library's own, which signals if `PendingReturned` is set,
/// until [`on_completion`](Request::on_completion) gives it another. So no request is sent without
/// one (rules `IoAllocateForward`, `IoAllocateIrpSignalEventInCompletion3`).
///
/// Dropping it frees the IRP and drops buffer, context and target.
#[must_use = "a request does nothing until it is sent"]
pub struct Request<T, K, B, R: CompletionRoutine = SignalIfPended> {
    irp: Irp<T>,
    kind: K,
    buffer: B,
    context: R::Context,
}

impl<T, K, B> Request<T, K, B> {
    pub(super) fn new(irp: Irp<T>, kind: K, buffer: B) -> Self {
        Self {
            irp,
            kind,
            buffer,
            context: (),
        }
    }

    /// Gives the request a completion routine of this driver, and the context that the routine
    /// works on.
    ///
    /// The routine will be registered (`IoSetCompletionRoutine`) for success, error and
    /// cancellation; it always returns `STATUS_MORE_PROCESSING_REQUIRED`.
    ///
    /// Rule: `CompletionRoutineRegistered`.
    pub fn on_completion<R: CompletionRoutine>(
        self,
        routine: R,
        context: R::Context,
    ) -> Request<T, K, B, R> {
        // The type says it all.
        drop(routine);
        Request {
            irp: self.irp,
            kind: self.kind,
            buffer: self.buffer,
            context,
        }
    }
}

impl<T, K: core::fmt::Debug, B, R: CompletionRoutine> core::fmt::Debug for Request<T, K, B, R> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Request")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// A request that is entered in its IRP, and can be sent.
pub(crate) struct Entered<T: Target, C> {
    pub(crate) irp: Irp<T>,
    pub(crate) context: C,
    /// What is held of the target until the request is completed.
    pub(crate) held: T::Held,
}

impl<T: Target, K, B, R: CompletionRoutine> Request<T, K, B, R> {
    /// Returns the IRP, which stays the request's.
    pub(crate) fn irp(&self) -> *mut IRP {
        self.irp.as_ptr()
    }

    /// Holds the target, moves the buffer to its place, enters the request there and registers the
    /// routine; or gives everything back.
    ///
    /// # Safety
    /// Nobody else uses `place`. After `Ok` it holds the buffer, stays where it is, and is not used
    /// until the IRP is completed.
    #[inline(always)]
    pub(crate) unsafe fn enter(
        self,
        place: &mut MaybeUninit<PoolAligned<B>>,
        callback: Callback,
    ) -> Result<Entered<T, R::Context>, NotSent<Self>>
    where
        K: Transfer<B>,
    {
        let held = match self.irp.target().hold(self.irp.as_ptr()) {
            Ok(held) => held,
            Err(error) => {
                let request = self;
                return Err(NotSent { error, request });
            }
        };
        let Self {
            irp,
            kind,
            buffer,
            context,
        } = self;
        let PoolAligned(in_place) = place.write(PoolAligned(buffer));
        if let Some(file) = irp.target().file_object() {
            irp.next_location().set_file_object(file.as_ptr());
        }
        // SAFETY: the buffer is in its place, where it stays by contract.
        let mut result = unsafe { kind.enter(&Fields::new(&irp), in_place) };
        if result.is_ok() {
            // Last: a routine that is registered must be called.
            result = irp.register(callback);
            if result.is_err() {
                // SAFETY: the IRP was not sent.
                unsafe { release_mdl(irp.fields()) };
            }
        }
        match result {
            Ok(()) => Ok(Entered { irp, context, held }),
            Err(error) => {
                // SAFETY: written above, and the place is not read again: it holds nothing now.
                let PoolAligned(buffer) = unsafe { place.assume_init_read() };
                let request = Self {
                    irp,
                    kind,
                    buffer,
                    context,
                };
                Err(NotSent { error, request })
            }
        }
    }
}
