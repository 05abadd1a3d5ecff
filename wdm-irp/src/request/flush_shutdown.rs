//! Requests without arguments: flush and shutdown.

use super::state::Request;
use super::transfer::{Fields, Transfer, sealed};
use crate::error::IrpError;
use crate::irp::Irp;
use crate::irql::PassiveOnly;
use crate::sys::{self, NTSTATUS};

/// A request without a buffer: flush, shutdown, Plug and Play.
#[derive(Debug)]
pub struct NoTransfer {
    major_function: u32,
    minor_function: u8,
    initial_status: NTSTATUS,
}

impl sealed::Sealed for NoTransfer {}

impl NoTransfer {
    fn new(major_function: u32) -> Self {
        Self {
            major_function,
            minor_function: 0,
            initial_status: sys::STATUS_SUCCESS,
        }
    }

    /// Makes the kind of a Plug and Play request, which starts as `STATUS_NOT_SUPPORTED`.
    pub(super) fn pnp(minor_function: u8) -> Self {
        Self {
            major_function: sys::IRP_MJ_PNP,
            minor_function,
            initial_status: sys::STATUS_NOT_SUPPORTED,
        }
    }
}

impl<T> Irp<T> {
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
    pub fn flush(self) -> Request<T, NoTransfer, ()> {
        Request::new(self, NoTransfer::new(sys::IRP_MJ_FLUSH_BUFFERS), ())
    }

    /// `IRP_MJ_SHUTDOWN`. May be sent at `PASSIVE_LEVEL`.
    pub fn shutdown(self) -> Request<T, NoTransfer, ()> {
        Request::new(self, NoTransfer::new(sys::IRP_MJ_SHUTDOWN), ())
    }
}

// SAFETY: documented so; there is no buffer.
unsafe impl Transfer<()> for NoTransfer {
    type Irql = PassiveOnly;
    unsafe fn enter(&self, at: &Fields, (): &mut ()) -> Result<(), IrpError> {
        at.irp.set_io_status(self.initial_status, 0);
        at.set_function(self.major_function, self.minor_function);
        Ok(())
    }
}
