//! What a request leaves behind.

use core::fmt;

use crate::buffer::IoBuffer;
use crate::error::{Failed, IrpError, SendError, final_status};
use crate::irp::{Allocated, Irp};
use crate::routine::CompletionRoutine;
use crate::sys::{NT_SUCCESS, NTSTATUS, STATUS_CANCELLED};
use crate::target::{Target, TargetDevice};

/// A completed request: its status, the IRP, and everything that was lent to it.
///
/// It has succeeded, unless it is within a [`Failed`]. Dropping it frees the IRP (`IoFreeIrp`), at
/// IRQL <= `DISPATCH_LEVEL`; leaking it leaks no more than that. What was held of the target has
/// been released.
///
/// `I` says whether the IRP can be used again: [`Reusable`], or [`NotReusable`] if something else
/// may still cancel it.
///
/// ```
/// # use wdm_irp::{
/// #     ByteOffset, Completing, Irp, IrpError, PassiveLevel, Signaled, TargetDevice, Timeout,
/// #     completion_routine,
/// # };
/// # #[completion_routine]
/// # fn done(irp: Completing<'_, ()>) -> Signaled<'_> { irp.signal_if_pended() }
/// fn magic(disk: &TargetDevice, at: &PassiveLevel) -> Result<Option<u8>, IrpError> {
///     let mut read = Irp::allocate(disk)?
///         .read([0; 512], ByteOffset(0))
///         .on_completion(done, ())
///         .send_and_wait(at, Timeout::seconds(5))?;
///     Ok(read.transferred().first().copied()) // of the bytes that were read, not of the buffer
/// }
/// ```
pub struct Completed<R: CompletionRoutine, B, T = TargetDevice, I = Reusable> {
    /// Final, see `final_status`.
    status: NTSTATUS,
    information: usize,
    timed_out: bool,
    irp: I,
    buffer: B,
    context: R::Context,
    target: T,
}

/// The IRP of a completed request, which can be used again.
#[derive(Debug)]
pub struct Reusable(pub(crate) Allocated);

/// A completed request whose IRP is elsewhere: with whoever may still cancel it.
#[derive(Debug)]
pub struct NotReusable(());

impl<R: CompletionRoutine, B, T> Completed<R, B, T> {
    /// Takes over a completed request.
    #[inline]
    pub(crate) fn new(
        irp: Reusable,
        target: T,
        context: R::Context,
        buffer: B,
        timed_out: bool,
    ) -> Self {
        let fields = irp.0.fields();
        Self {
            status: final_status(fields.status()),
            information: fields.information(),
            timed_out,
            irp,
            buffer,
            context,
            target,
        }
    }

    /// Leaves the IRP behind, for whoever may still cancel it and frees it after that.
    pub(crate) fn without_irp(self) -> (Completed<R, B, T, NotReusable>, Allocated) {
        let Self {
            status,
            information,
            timed_out,
            irp: Reusable(irp),
            buffer,
            context,
            target,
        } = self;
        let completed = Completed {
            status,
            information,
            timed_out,
            irp: NotReusable(()),
            buffer,
            context,
            target,
        };
        (completed, irp)
    }
}

impl<R: CompletionRoutine, B, T: Target> Completed<R, B, T> {
    /// Gives the IRP back, ready for its next request to the same target (`IoReuseIrp`), with the
    /// buffer and the context. IRQL <= `DISPATCH_LEVEL`.
    ///
    /// ```
    /// # use wdm_irp::{ByteOffset, Irp, IrpError, PassiveLevel, TargetDevice, Timeout};
    /// fn copy_sector(
    ///     disk: &TargetDevice,
    ///     from: ByteOffset,
    ///     to: ByteOffset,
    ///     at: &PassiveLevel,
    /// ) -> Result<(), IrpError> {
    ///     let soon = Timeout::seconds(5);
    ///     let read = Irp::allocate(disk)?.read([0; 512], from).send_and_wait(at, soon)?;
    ///     let (irp, sector, ()) = read.reuse();
    ///     irp.write(sector, to).send_and_wait(at, soon)?;
    ///     Ok(())
    /// }
    /// ```
    #[inline]
    pub fn reuse(self) -> (Irp<T>, B, R::Context) {
        let Reusable(irp) = self.irp;
        // SAFETY: the IRP was allocated for this target, and what was attached has been released.
        let irp = unsafe { Irp::reuse(irp, self.target) };
        (irp, self.buffer, self.context)
    }
}

impl<R: CompletionRoutine, B, T, I> Completed<R, B, T, I> {
    /// `IoStatus.Status` of the completed IRP.
    ///
    /// `STATUS_PENDING`, which is not a final status, is reported as
    /// `STATUS_DRIVER_INTERNAL_ERROR`: passed on by a dispatch routine it would make an IRP look
    /// pending that nobody marked.
    #[must_use]
    pub fn status(&self) -> NTSTATUS {
        self.status
    }

    /// `IoStatus.Information`: for transfers the number of bytes, as the lower driver claims.
    #[must_use]
    pub fn information(&self) -> usize {
        self.information
    }

    /// Whether the time-out elapsed before the request completed. It was cancelled then, but may
    /// still have succeeded: see [`Completed::status`].
    #[must_use]
    pub fn timed_out(&self) -> bool {
        self.timed_out
    }

    /// The context that was lent to the completion routine.
    #[must_use]
    pub fn context(&self) -> &R::Context {
        &self.context
    }

    /// The buffer that was lent to the request.
    #[must_use]
    pub fn buffer(&self) -> &B {
        &self.buffer
    }

    /// Frees the IRP (`IoFreeIrp`), and gives the buffer and the context back. IRQL <=
    /// `DISPATCH_LEVEL`.
    pub fn into_parts(self) -> (B, R::Context) {
        (self.buffer, self.context)
    }

    /// Tells a success from a failure, by `NT_SUCCESS` of the status.
    #[inline]
    pub(crate) fn into_outcome(self) -> Outcome<R, B, T, I> {
        if NT_SUCCESS(self.status) {
            Ok(self)
        } else {
            Err(Failed::new(self))
        }
    }

    /// The error of a request that is known to have failed.
    pub(crate) fn failure(&self) -> IrpError {
        if self.timed_out && self.status == STATUS_CANCELLED {
            IrpError::TimedOut
        } else {
            IrpError::Device(self.status())
        }
    }
}

impl<R: CompletionRoutine, B: IoBuffer, T, I> Completed<R, B, T, I> {
    /// The first [`Completed::information`] bytes of the buffer: what a read has transferred. Never
    /// more than the buffer has, whatever the lower driver claims.
    #[must_use]
    pub fn transferred(&mut self) -> &[u8] {
        let length = self.information.min(self.buffer.byte_len());
        let start = self.buffer.as_mut_ptr();
        // SAFETY: `IoBuffer` promises `byte_len()` initialized bytes at `as_mut_ptr()`, which
        // nobody else reaches while `self` is borrowed; `length` is no more than that.
        unsafe { core::slice::from_raw_parts(start, length) }
    }
}

impl<R: CompletionRoutine, B, T, I> fmt::Debug for Completed<R, B, T, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Completed")
            .field("status", &format_args!("{:#010x}", self.status))
            .field("information", &self.information)
            .field("timed_out", &self.timed_out)
            .finish_non_exhaustive()
    }
}

/// How a request came out that was sent: completed with success, or with another status.
///
/// Either way all that was lent to it is back.
pub type Outcome<R, B, T = TargetDevice, I = Reusable> =
    Result<Completed<R, B, T, I>, Failed<Completed<R, B, T, I>>>;

impl<R: CompletionRoutine, B, T, I> Failed<Completed<R, B, T, I>> {
    /// Returns why the request failed. Any IRQL.
    #[must_use]
    pub fn error(&self) -> IrpError {
        self.completed().failure()
    }
}

impl<Q, R: CompletionRoutine, B, T, I> SendError<Q, Completed<R, B, T, I>> {
    /// Returns the error alone. Any IRQL.
    #[must_use]
    pub fn error(&self) -> IrpError {
        match self {
            Self::NotSent(not_sent) => not_sent.error,
            Self::Failed(failed) => failed.error(),
        }
    }
}

impl<R: CompletionRoutine, B, T, I> From<Failed<Completed<R, B, T, I>>> for IrpError {
    fn from(failed: Failed<Completed<R, B, T, I>>) -> Self {
        failed.error()
    }
}

impl<R: CompletionRoutine, B, T, I> From<Failed<Completed<R, B, T, I>>> for NTSTATUS {
    fn from(failed: Failed<Completed<R, B, T, I>>) -> Self {
        failed.error().status()
    }
}

impl<Q, R: CompletionRoutine, B, T, I> From<SendError<Q, Completed<R, B, T, I>>> for IrpError {
    fn from(error: SendError<Q, Completed<R, B, T, I>>) -> Self {
        error.error()
    }
}

impl<Q, R: CompletionRoutine, B, T, I> From<SendError<Q, Completed<R, B, T, I>>> for NTSTATUS {
    fn from(error: SendError<Q, Completed<R, B, T, I>>) -> Self {
        error.error().status()
    }
}

impl<R: CompletionRoutine, B, T, I> fmt::Display for Failed<Completed<R, B, T, I>> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error().fmt(f)
    }
}

impl<R: CompletionRoutine, B, T, I> core::error::Error for Failed<Completed<R, B, T, I>> {}

impl<Q, R: CompletionRoutine, B, T, I> fmt::Display for SendError<Q, Completed<R, B, T, I>> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error().fmt(f)
    }
}

impl<Q, R: CompletionRoutine, B, T, I> core::error::Error for SendError<Q, Completed<R, B, T, I>> {}
