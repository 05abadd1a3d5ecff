//! What can go wrong, as values.

use core::fmt;

use crate::completed::Completed;
use crate::request::{Armed, Request};
use crate::routine::CompletionRoutine;
use crate::sys::{
    NTSTATUS, STATUS_DEVICE_BUSY, STATUS_INSUFFICIENT_RESOURCES, STATUS_INVALID_PARAMETER,
    STATUS_IO_TIMEOUT,
};

/// Why a request did not succeed. Small and [`Copy`]: what a driver returns or logs.
///
/// The errors that also give something back, [`SendError`] and [`NotSent`], convert to it, so `?` works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IrpError {
    /// `IoAllocateIrp` returned NULL.
    IrpAllocation,
    /// `IoAllocateMdl` returned NULL.
    MdlAllocation,
    /// There is no memory for an operation of its own on the heap.
    SlotAllocation,
    /// A length exceeds what the stack location can hold, or the target's stack is too deep for an own location.
    InvalidParameter,
    /// The slot holds another request.
    SlotInUse,
    /// The time-out elapsed and the request was cancelled.
    TimedOut,
    /// The lower driver completed the request with this status, which is not a success.
    ///
    /// A driver that completes with `STATUS_PENDING` in the `IO_STATUS_BLOCK`, which is no final status, is reported
    /// as `STATUS_DRIVER_INTERNAL_ERROR`.
    Device(NTSTATUS),
}

impl IrpError {
    /// The error as the NTSTATUS a driver returns. Never a success status. Any IRQL.
    #[must_use]
    pub const fn status(self) -> NTSTATUS {
        match self {
            Self::IrpAllocation | Self::MdlAllocation | Self::SlotAllocation => {
                STATUS_INSUFFICIENT_RESOURCES
            }
            Self::InvalidParameter => STATUS_INVALID_PARAMETER,
            Self::SlotInUse => STATUS_DEVICE_BUSY,
            Self::TimedOut => STATUS_IO_TIMEOUT,
            Self::Device(status) => status,
        }
    }
}

impl fmt::Display for IrpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::IrpAllocation => f.write_str("IoAllocateIrp returned NULL"),
            Self::MdlAllocation => f.write_str("IoAllocateMdl returned NULL"),
            Self::SlotAllocation => f.write_str("no memory for the operation"),
            Self::InvalidParameter => {
                f.write_str("the request does not fit into an IO_STACK_LOCATION")
            }
            Self::SlotInUse => f.write_str("the slot holds another request"),
            Self::TimedOut => f.write_str("the request timed out and was cancelled"),
            Self::Device(status) => {
                write!(
                    f,
                    "the lower driver completed the request with {status:#010x}"
                )
            }
        }
    }
}

impl core::error::Error for IrpError {}

/// A request that was not sent, and why. The IRP, its context and its buffer are all here, to send again or to drop.
#[must_use = "dropping it frees the IRP and drops its context and buffer"]
pub struct NotSent<'d, K, B, R: CompletionRoutine> {
    /// Why it was not sent.
    pub error: IrpError,
    /// The request, as it was.
    pub request: Request<'d, K, B, Armed<R>>,
}

/// Why [`Request::send_and_wait`] failed, with all that it did not consume.
///
/// ```
/// # use wdm_irp::{
/// #     ByteOffset, Completing, Irp, IrpError, PassiveLevel, SendError, Signaled, TargetDevice, Timeout, completion_routine,
/// # };
/// # #[completion_routine]
/// # fn done(irp: Completing<'_, ()>) -> Signaled<'_> { irp.signal_if_pended() }
/// fn read(disk: &TargetDevice, block: Box<[u8]>, at: &PassiveLevel) -> Result<Box<[u8]>, (IrpError, Option<Box<[u8]>>)> {
///     let irp = Irp::allocate(disk).map_err(|error| (error, None))?;
///     let request = irp.read(block, ByteOffset(0)).on_completion(done, ());
///     match request.send_and_wait(at, Timeout::seconds(5)) {
///         Ok(completed) => Ok(completed.into_parts().1),
///         Err(SendError::Failed(completed)) => {
///             let error = completed.error().expect("it failed");
///             Err((error, Some(completed.into_parts().1)))
///         }
///         Err(SendError::NotSent(not_sent)) => Err((not_sent.error, None)), // or send `not_sent.request` again
///     }
/// }
/// ```
#[must_use = "it holds the request's context and buffer"]
pub enum SendError<'d, K, B, R: CompletionRoutine> {
    /// The request was not sent.
    NotSent(NotSent<'d, K, B, R>),
    /// The request was completed with an error status, by the lower driver or after a time-out.
    Failed(Completed<R, B>),
}

impl<K, B, R: CompletionRoutine> SendError<'_, K, B, R> {
    /// The error alone. Any IRQL.
    #[must_use]
    pub fn error(&self) -> IrpError {
        match self {
            Self::NotSent(not_sent) => not_sent.error,
            Self::Failed(completed) => completed.failure(),
        }
    }
}

impl<K, B, R: CompletionRoutine> From<SendError<'_, K, B, R>> for IrpError {
    fn from(error: SendError<'_, K, B, R>) -> Self {
        error.error()
    }
}

impl<K, B, R: CompletionRoutine> From<NotSent<'_, K, B, R>> for IrpError {
    fn from(not_sent: NotSent<'_, K, B, R>) -> Self {
        not_sent.error
    }
}

impl<K, B, R: CompletionRoutine> fmt::Debug for NotSent<'_, K, B, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NotSent")
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}

impl<K, B, R: CompletionRoutine> fmt::Debug for SendError<'_, K, B, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSent(not_sent) => not_sent.fmt(f),
            Self::Failed(completed) => f.debug_tuple("Failed").field(completed).finish(),
        }
    }
}

impl<K, B, R: CompletionRoutine> fmt::Display for NotSent<'_, K, B, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl<K, B, R: CompletionRoutine> fmt::Display for SendError<'_, K, B, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error().fmt(f)
    }
}

impl<K, B, R: CompletionRoutine> core::error::Error for NotSent<'_, K, B, R> {}
impl<K, B, R: CompletionRoutine> core::error::Error for SendError<'_, K, B, R> {}
