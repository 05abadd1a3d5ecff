//! Requests without arguments: flush and shutdown.

use super::state::Request;
use super::transfer::{Attachment, Transfer, sealed};
use crate::error::IrpError;
use crate::irp::Irp;
use crate::irql::PassiveOnly;
use crate::sys;

/// A request without a buffer: flush, shutdown, Plug and Play.
#[derive(Debug)]
pub enum NoTransfer {}

impl sealed::Sealed for NoTransfer {}

impl<'d> Irp<'d> {
    pub(super) fn bare(
        self,
        major_function: u32,
        minor_function: u8,
    ) -> Request<'d, NoTransfer, ()> {
        self.function(major_function, minor_function);
        Request::new(self, ())
    }

    /// `IRP_MJ_FLUSH_BUFFERS`. May be sent at `PASSIVE_LEVEL`.
    ///
    /// ```
    /// # use wdm_irp::{
    /// #     Completing, Irp, IrpError, PassiveLevel, Signaled, TargetDevice, Timeout,
    /// #     completion_routine,
    /// # };
    /// # #[completion_routine]
    /// # fn done(irp: Completing<'_, ()>) -> Signaled<'_> { irp.signal_if_pended() }
    /// fn flush(disk: &TargetDevice, at: &PassiveLevel) -> Result<(), IrpError> {
    ///     let flush = Irp::allocate(disk)?.flush().on_completion(done, ());
    ///     flush.send_and_wait(at, Timeout::seconds(30))?;
    ///     Ok(())
    /// }
    /// ```
    pub fn flush(self) -> Request<'d, NoTransfer, ()> {
        self.bare(sys::IRP_MJ_FLUSH_BUFFERS, 0)
    }

    /// `IRP_MJ_SHUTDOWN`. May be sent at `PASSIVE_LEVEL`.
    pub fn shutdown(self) -> Request<'d, NoTransfer, ()> {
        self.bare(sys::IRP_MJ_SHUTDOWN, 0)
    }
}

// SAFETY: documented so; there is no buffer.
unsafe impl Transfer<()> for NoTransfer {
    type Irql = PassiveOnly;
    unsafe fn attach(_: &Attachment, (): &mut ()) -> Result<(), IrpError> {
        Ok(())
    }
}
