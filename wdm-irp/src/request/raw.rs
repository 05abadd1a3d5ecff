//! Requests by their raw arguments.

use core::ffi::c_void;

use super::state::Request;
use super::transfer::{Fields, Transfer, sealed};
use crate::error::IrpError;
use crate::irp::Irp;
use crate::irql::PassiveOnly;
use crate::sys::{
    IRP_MJ_PNP, IRP_MJ_POWER, IRP_MJ_SYSTEM_CONTROL, NTSTATUS, PARAMETERS_OTHERS,
    STATUS_NOT_SUPPORTED, STATUS_SUCCESS,
};

/// The stack location of a request that this crate has no method for.
#[derive(Clone, Copy, Debug)]
pub struct RawRequest {
    /// `IRP_MJ_…`
    pub major_function: u8,
    /// `IRP_MN_…`
    pub minor_function: u8,
    /// `SL_…` flags of the major function.
    pub flags: u8,
    /// `Parameters.Others.Argument1` to `Argument4`.
    pub arguments: [*mut c_void; 4],
}

/// A request whose arguments [`Irp::raw`](crate::Irp::raw) was given.
pub struct Raw<F> {
    request: F,
}

impl<F> core::fmt::Debug for Raw<F> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Raw").finish_non_exhaustive()
    }
}

impl<F> sealed::Sealed for Raw<F> {}

impl<T> Irp<T> {
    /// Makes any other request, by its raw arguments: a URB in `Argument1` of an internal device
    /// control, for instance. May be sent at `PASSIVE_LEVEL`.
    ///
    /// `request` makes the arguments when the request is sent. It gets `value` where that stays
    /// until the IRP is completed, so the arguments may point into the value itself, or to what it
    /// owns. The value is given back with the completed request.
    ///
    /// A Plug and Play, power or WMI request starts as `STATUS_NOT_SUPPORTED`, as it must, any
    /// other as `STATUS_SUCCESS`.
    ///
    /// # Safety
    /// - A driver may send such a request with an IRP of `IoAllocateIrp`.
    /// - What the arguments point to stays valid until the request is completed, however it ends
    ///   and even if its handle is leaked. `value` itself does, if nothing else moves or frees it.
    /// - `request` does not unwind.
    ///
    /// # Examples
    /// ```
    /// use wdm_irp::request::{Raw, RawRequest, Request};
    /// use wdm_irp::sys::IRP_MJ_INTERNAL_DEVICE_CONTROL;
    /// use wdm_irp::{Irp, TargetDevice};
    ///
    /// /// Sends a block that the driver below reads and writes, by its address.
    /// fn submit(
    ///     irp: Irp<&TargetDevice>,
    ///     block: [u64; 8],
    /// ) -> Request<&TargetDevice, Raw<impl Fn(&mut [u64; 8]) -> RawRequest>, [u64; 8]> {
    ///     // SAFETY: the driver below takes such a block in `Argument1`, whose address is that of
    ///     // the block in its final place.
    ///     unsafe {
    ///         irp.raw(block, |block| RawRequest {
    ///             major_function: 0x0f, // IRP_MJ_INTERNAL_DEVICE_CONTROL
    ///             minor_function: 0,
    ///             flags: 0,
    ///             arguments: [
    ///                 (&raw mut *block).cast(),
    ///                 core::ptr::null_mut(),
    ///                 core::ptr::null_mut(),
    ///                 core::ptr::null_mut(),
    ///             ],
    ///         })
    ///     }
    /// }
    /// # assert_eq!(IRP_MJ_INTERNAL_DEVICE_CONTROL, 0x0f);
    /// ```
    pub unsafe fn raw<B, F>(self, value: B, request: F) -> Request<T, Raw<F>, B>
    where
        F: Fn(&mut B) -> RawRequest,
    {
        Request::new(self, Raw { request }, value)
    }
}

/// Returns the status with which a request starts.
const fn initial_status(major_function: u8) -> NTSTATUS {
    match major_function as u32 {
        IRP_MJ_PNP | IRP_MJ_POWER | IRP_MJ_SYSTEM_CONTROL => STATUS_NOT_SUPPORTED,
        _ => STATUS_SUCCESS,
    }
}

// SAFETY: the lowest IRQL suits every request. The arguments are what whoever called `Irp::raw` has
// vouched for, made where the value stays.
unsafe impl<B: Send, F: Fn(&mut B) -> RawRequest> Transfer<B> for Raw<F> {
    type Irql = PassiveOnly;
    unsafe fn enter(&self, at: &Fields, value: &mut B) -> Result<(), IrpError> {
        let RawRequest {
            major_function,
            minor_function,
            flags,
            arguments: [argument1, argument2, argument3, argument4],
        } = (self.request)(value);
        at.irp.set_io_status(initial_status(major_function), 0);
        at.next.set_function(major_function, minor_function);
        at.next.set_flags(flags);
        at.next.set_other_parameters(PARAMETERS_OTHERS {
            Argument1: argument1,
            Argument2: argument2,
            Argument3: argument3,
            Argument4: argument4,
        });
        Ok(())
    }
}
