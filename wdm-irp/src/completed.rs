//! What a request leaves behind.

use core::fmt;

use crate::buffer::IoBuffer;
use crate::error::{Failed, IrpError, SendError};
use crate::routine::CompletionRoutine;
use crate::sys::{NT_SUCCESS, NTSTATUS, STATUS_CANCELLED};

/// A completed request: its status, and everything that was lent to it. The IRP has been freed.
///
/// It has succeeded, unless it is within a [`Failed`].
///
/// All of its methods may be called at any IRQL.
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
pub struct Completed<R: CompletionRoutine, B> {
    /// Final, see `final_status`.
    pub(crate) status: NTSTATUS,
    pub(crate) information: usize,
    pub(crate) timed_out: bool,
    pub(crate) context: R::Context,
    pub(crate) buffer: B,
}

impl<R: CompletionRoutine, B> Completed<R, B> {
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

    /// The context and the buffer.
    #[must_use]
    pub fn into_parts(self) -> (R::Context, B) {
        (self.context, self.buffer)
    }

    /// Tells a success from a failure, by `NT_SUCCESS` of the status.
    #[inline]
    pub(crate) fn into_outcome(self) -> Outcome<R, B> {
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

impl<R: CompletionRoutine, B: IoBuffer> Completed<R, B> {
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

impl<R: CompletionRoutine, B> fmt::Debug for Completed<R, B> {
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
pub type Outcome<R, B> = Result<Completed<R, B>, Failed<Completed<R, B>>>;

impl<R: CompletionRoutine, B> Failed<Completed<R, B>> {
    /// Returns why the request failed. Any IRQL.
    #[must_use]
    pub fn error(&self) -> IrpError {
        self.completed().failure()
    }
}

impl<Q, R: CompletionRoutine, B> SendError<Q, Completed<R, B>> {
    /// Returns the error alone. Any IRQL.
    #[must_use]
    pub fn error(&self) -> IrpError {
        match self {
            Self::NotSent(not_sent) => not_sent.error,
            Self::Failed(failed) => failed.error(),
        }
    }
}

impl<R: CompletionRoutine, B> From<Failed<Completed<R, B>>> for IrpError {
    fn from(failed: Failed<Completed<R, B>>) -> Self {
        failed.error()
    }
}

impl<R: CompletionRoutine, B> From<Failed<Completed<R, B>>> for NTSTATUS {
    fn from(failed: Failed<Completed<R, B>>) -> Self {
        failed.error().status()
    }
}

impl<Q, R: CompletionRoutine, B> From<SendError<Q, Completed<R, B>>> for IrpError {
    fn from(error: SendError<Q, Completed<R, B>>) -> Self {
        error.error()
    }
}

impl<Q, R: CompletionRoutine, B> From<SendError<Q, Completed<R, B>>> for NTSTATUS {
    fn from(error: SendError<Q, Completed<R, B>>) -> Self {
        error.error().status()
    }
}

impl<R: CompletionRoutine, B> fmt::Display for Failed<Completed<R, B>> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error().fmt(f)
    }
}

impl<R: CompletionRoutine, B> core::error::Error for Failed<Completed<R, B>> {}

impl<Q, R: CompletionRoutine, B> fmt::Display for SendError<Q, Completed<R, B>> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error().fmt(f)
    }
}

impl<Q, R: CompletionRoutine, B> core::error::Error for SendError<Q, Completed<R, B>> {}
