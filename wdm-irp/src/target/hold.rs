//! What a pair of devices holds while a request is in flight.

use super::shared::sealed;
use crate::error::IrpError;
use crate::lock_storage::InExtension;
use crate::remove_lock::{RemoveLock, RemoveLockGuard, Tag};
use crate::rundown::{RundownGuard, RundownProtection};
use crate::sys::IRP;

/// Locks that keep a device from being removed while a request is in flight.
#[diagnostic::on_unimplemented(
    message = "a pair of devices holds an `InExtension<RemoveLock>`, an `InExtension<RundownProtection>` or `Unlocked`, and `{Self}` is none; keep the lock in the extension of the device, as an `InExtension`",
    label = "not a lock whose guards a request can keep"
)]
pub trait Hold: sealed::Sealed + Sync + 'static {
    /// What keeps the device, until it is dropped.
    #[doc(hidden)]
    type Guard: Send + 'static;

    /// Acquires the lock for the request in `irp`.
    #[doc(hidden)]
    fn hold(&self, irp: *const IRP) -> Result<Self::Guard, IrpError>;
}

impl sealed::Sealed for InExtension<RemoveLock> {}
impl Hold for InExtension<RemoveLock> {
    type Guard = RemoveLockGuard<'static>;

    fn hold(&self, irp: *const IRP) -> Result<Self::Guard, IrpError> {
        Ok(self.acquire(Tag::of(irp))?)
    }
}

impl sealed::Sealed for InExtension<RundownProtection> {}
impl Hold for InExtension<RundownProtection> {
    type Guard = RundownGuard<'static>;

    fn hold(&self, _: *const IRP) -> Result<Self::Guard, IrpError> {
        self.acquire().ok_or(IrpError::DeletePending)
    }
}

/// Nothing is held: for a device that no Plug and Play manager removes.
#[derive(Debug)]
pub struct Unlocked(());

impl Unlocked {
    pub(super) const LOCK: &'static Self = &Self(());
}

impl sealed::Sealed for Unlocked {}
impl Hold for Unlocked {
    type Guard = ();

    #[inline]
    fn hold(&self, _: *const IRP) -> Result<(), IrpError> {
        Ok(())
    }
}
