//! What can go wrong, as values.

use core::fmt;

use crate::sys::{
    NT_SUCCESS, NT_WARNING, NTSTATUS, STATUS_DELETE_PENDING, STATUS_DEVICE_BUSY,
    STATUS_DRIVER_INTERNAL_ERROR, STATUS_INSUFFICIENT_RESOURCES, STATUS_INVALID_PARAMETER,
    STATUS_IO_TIMEOUT, STATUS_PENDING, STATUS_UNSUCCESSFUL,
};

/// Why a request did not succeed. Small and [`Copy`]: what a driver returns or logs.
///
/// The errors that also give something back, [`SendError`] and [`NotSent`], convert to it, so `?`
/// works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IrpError {
    /// `IoAllocateIrp` returned NULL.
    IrpAllocation,
    /// `IoAllocateMdl` returned NULL.
    MdlAllocation,
    /// There is no pool for a slot of its own.
    SlotAllocation,
    /// `IoSetCompletionRoutineEx` has failed, for want of memory.
    RoutineRegistration,
    /// A length exceeds what the stack location can hold, or a device's stack is too deep for an
    /// IRP.
    InvalidParameter,
    /// The device is being removed: its lock is not acquired any more.
    DeletePending,
    /// The target is held too often: see
    /// [`RemoveLockError::TooManyGuards`](crate::remove_lock::RemoveLockError::TooManyGuards).
    TooManyGuards,
    /// A device was not opened: `IoGetDeviceObjectPointer` returned this status.
    Open(NTSTATUS),
    /// The slot holds another request.
    SlotInUse,
    /// The time-out elapsed and the request was cancelled.
    TimedOut,
    /// The lower driver completed the request with this status, which is not a success.
    ///
    /// A driver that completes with `STATUS_PENDING` in the `IO_STATUS_BLOCK`, which is no final
    /// status, is reported as `STATUS_DRIVER_INTERNAL_ERROR`.
    Device(NTSTATUS),
}

impl IrpError {
    /// Returns the error as the NTSTATUS that a driver returns. Any IRQL.
    ///
    /// Never a success status: an [`IrpError::Device`] or [`IrpError::Open`] that somebody has made
    /// from one gives `STATUS_UNSUCCESSFUL`.
    #[must_use]
    pub const fn status(self) -> NTSTATUS {
        match self {
            Self::IrpAllocation
            | Self::MdlAllocation
            | Self::SlotAllocation
            | Self::RoutineRegistration
            | Self::TooManyGuards => STATUS_INSUFFICIENT_RESOURCES,
            Self::DeletePending => STATUS_DELETE_PENDING,
            Self::InvalidParameter => STATUS_INVALID_PARAMETER,
            Self::SlotInUse => STATUS_DEVICE_BUSY,
            Self::TimedOut => STATUS_IO_TIMEOUT,
            Self::Device(status) | Self::Open(status) if NT_SUCCESS(status) => STATUS_UNSUCCESSFUL,
            Self::Device(status) | Self::Open(status) => status,
        }
    }

    /// Returns whether a lower driver completed the request with a warning, such as
    /// `STATUS_BUFFER_OVERFLOW`: unlike an error it may come with data. Any IRQL.
    #[must_use]
    pub const fn is_warning(self) -> bool {
        match self {
            Self::Device(status) => NT_WARNING(status),
            _ => false,
        }
    }
}

impl fmt::Display for IrpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::IrpAllocation => f.write_str("IoAllocateIrp returned NULL"),
            Self::MdlAllocation => f.write_str("IoAllocateMdl returned NULL"),
            Self::SlotAllocation => f.write_str("no memory for the operation"),
            Self::RoutineRegistration => f.write_str("IoSetCompletionRoutineEx failed"),
            Self::DeletePending => f.write_str("the device is being removed"),
            Self::TooManyGuards => f.write_str("the target is held too often"),
            Self::Open(status) => write!(f, "the device was not opened: {status:#010x}"),
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

/// A request `Q` that was not sent, and why. The IRP, its context and its buffer are all in it, to
/// send again or to drop.
#[must_use = "dropping it frees the IRP and drops its context and buffer"]
pub struct NotSent<Q> {
    /// Why it was not sent.
    pub error: IrpError,
    /// The request, as it was.
    pub request: Q,
}

/// Why [`Request::send_and_wait`](crate::request::Request::send_and_wait) failed, with all that it
/// did not consume.
///
/// ```
/// # use wdm_irp::error::SendError;
/// # use wdm_irp::{
/// #     ByteOffset, Completing, Irp, IrpError, PassiveLevel, Signaled, TargetDevice, Timeout,
/// #     completion_routine,
/// # };
/// # #[completion_routine]
/// # fn done(irp: Completing<'_, ()>) -> Signaled<'_> { irp.signal_if_pended() }
/// fn read(
///     disk: &TargetDevice,
///     block: Box<[u8]>,
///     at: &PassiveLevel,
/// ) -> Result<Box<[u8]>, (IrpError, Option<Box<[u8]>>)> {
///     let irp = Irp::allocate(disk).map_err(|error| (error, None))?;
///     let request = irp.read(block, ByteOffset(0)).on_completion(done, ());
///     match request.send_and_wait(at, Timeout::seconds(5)) {
///         Ok(completed) => Ok(completed.into_parts().0),
///         Err(SendError::Failed(failed)) => {
///             Err((failed.error(), Some(failed.into_completed().into_parts().0)))
///         }
///         // Or send `not_sent.request` again.
///         Err(SendError::NotSent(not_sent)) => Err((not_sent.error, None)),
///     }
/// }
/// ```
#[must_use = "it holds the request's context and buffer"]
pub enum SendError<Q, D> {
    /// The request `Q` was not sent.
    NotSent(NotSent<Q>),
    /// The request was completed with an error status, by the lower driver or after a time-out.
    Failed(Failed<D>),
}

/// A completed request `D` whose status is not a success, with all that came back.
///
/// A warning, such as `STATUS_BUFFER_OVERFLOW`, may carry data: see [`IrpError::is_warning`].
///
/// ```
/// # use wdm_irp::error::SendError;
/// # use wdm_irp::{
/// #     ByteOffset, Irp, IrpError, PassiveLevel, TargetDevice, Timeout,
/// # };
/// fn read_some(
///     pipe: &TargetDevice,
///     message: &mut [u8],
///     at: &PassiveLevel,
/// ) -> Result<usize, IrpError> {
///     let request = Irp::allocate(pipe)?.read(message, ByteOffset(0));
///     match request.send_and_wait(at, Timeout::seconds(5)) {
///         Ok(mut whole) => Ok(whole.transferred().len()),
///         // The beginning of a longer message.
///         Err(SendError::Failed(mut part)) if part.error().is_warning() => {
///             Ok(part.completed_mut().transferred().len())
///         }
///         Err(error) => Err(error.into()),
///     }
/// }
/// ```
#[must_use = "it holds the request's context and buffer"]
pub struct Failed<D>(D);

impl<D> Failed<D> {
    /// Wraps a completed request whose status is not a success.
    pub(crate) const fn new(completed: D) -> Self {
        Self(completed)
    }

    /// Returns the completed request. Any IRQL.
    #[must_use]
    pub const fn completed(&self) -> &D {
        &self.0
    }

    /// Returns the completed request, to look at the data of a warning. Any IRQL.
    #[must_use]
    pub const fn completed_mut(&mut self) -> &mut D {
        &mut self.0
    }

    /// Gives the completed request back. Any IRQL.
    pub fn into_completed(self) -> D {
        self.0
    }
}

impl<D: fmt::Debug> fmt::Debug for Failed<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Failed").field(&self.0).finish()
    }
}

impl From<IrpError> for NTSTATUS {
    fn from(error: IrpError) -> Self {
        error.status()
    }
}

impl<Q> From<NotSent<Q>> for NTSTATUS {
    fn from(not_sent: NotSent<Q>) -> Self {
        not_sent.error.status()
    }
}

impl<Q> From<NotSent<Q>> for IrpError {
    fn from(not_sent: NotSent<Q>) -> Self {
        not_sent.error
    }
}

impl<Q> fmt::Debug for NotSent<Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NotSent")
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}

impl<Q, D: fmt::Debug> fmt::Debug for SendError<Q, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSent(not_sent) => not_sent.fmt(f),
            Self::Failed(failed) => failed.fmt(f),
        }
    }
}

impl<Q> fmt::Display for NotSent<Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl<Q> core::error::Error for NotSent<Q> {}

/// What a routine or an originator may see as the status of a completed IRP: `STATUS_PENDING` is
/// none.
pub(crate) const fn final_status(status: NTSTATUS) -> NTSTATUS {
    if status == STATUS_PENDING {
        STATUS_DRIVER_INTERNAL_ERROR
    } else {
        status
    }
}
