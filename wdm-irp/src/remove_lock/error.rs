//! Why a remove lock has not been acquired.

use core::fmt;

use crate::error::IrpError;
use crate::sys::{NTSTATUS, STATUS_DELETE_PENDING, STATUS_INSUFFICIENT_RESOURCES};

/// A remove lock has not been acquired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RemoveLockError {
    /// The device is being removed: start nothing new on it.
    DeletePending,
    /// There are 2^30 guards, which must have been leaked.
    TooManyGuards,
}

impl RemoveLockError {
    /// Returns the error as the NTSTATUS with which the request is completed. Any IRQL.
    #[must_use]
    pub const fn status(self) -> NTSTATUS {
        match self {
            Self::DeletePending => STATUS_DELETE_PENDING,
            Self::TooManyGuards => STATUS_INSUFFICIENT_RESOURCES,
        }
    }
}

impl From<RemoveLockError> for IrpError {
    fn from(error: RemoveLockError) -> Self {
        match error {
            RemoveLockError::DeletePending => Self::DeletePending,
            RemoveLockError::TooManyGuards => Self::TooManyGuards,
        }
    }
}

impl fmt::Display for RemoveLockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DeletePending => "the device is being removed",
            Self::TooManyGuards => "the remove lock is held too often",
        })
    }
}

impl core::error::Error for RemoveLockError {}
