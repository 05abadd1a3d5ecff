//! Plug and Play requests.

use super::flush_shutdown::NoTransfer;
use super::state::Request;
use crate::irp::Irp;
use crate::sys;

/// A Plug and Play request without arguments, vouched for.
///
/// ```
/// use wdm_irp::request::PnpMinor;
///
/// let query = PnpMinor::QUERY_PNP_DEVICE_STATE;
/// # _ = query;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PnpMinor(u8);

impl PnpMinor {
    /// `IRP_MN_QUERY_PNP_DEVICE_STATE`: the answer is in
    /// [`Completed::information`](crate::Completed::information).
    pub const QUERY_PNP_DEVICE_STATE: Self = Self(sys::IRP_MN_QUERY_PNP_DEVICE_STATE);

    /// Vouches for an `IRP_MN_…` code.
    ///
    /// # Safety
    /// A driver may send the request, and the request takes no arguments.
    #[must_use]
    pub const unsafe fn new(minor_function: u8) -> Self {
        Self(minor_function)
    }
}

impl<T> Irp<T> {
    /// `IRP_MJ_PNP`, with the initial status `STATUS_NOT_SUPPORTED` that Plug and Play requests
    /// start from. May be sent at `PASSIVE_LEVEL`.
    ///
    /// ```
    /// # use wdm_irp::request::PnpMinor;
    /// # use wdm_irp::{
    /// #     Completing, Irp, IrpError, PassiveLevel, Signaled, TargetDevice, Timeout,
    /// #     completion_routine,
    /// # };
    /// # #[completion_routine]
    /// # fn done(irp: Completing<'_, ()>) -> Signaled<'_> { irp.signal_if_pended() }
    /// fn state(device: &TargetDevice, at: &PassiveLevel) -> Result<usize, IrpError> {
    ///     let query = Irp::allocate(device)?
    ///         .pnp(PnpMinor::QUERY_PNP_DEVICE_STATE)
    ///         .on_completion(done, ());
    ///     Ok(query.send_and_wait(at, Timeout::seconds(30))?.information())
    /// }
    /// ```
    pub fn pnp(self, minor_function: PnpMinor) -> Request<T, NoTransfer, ()> {
        Request::new(self, NoTransfer::pnp(minor_function.0), ())
    }
}
