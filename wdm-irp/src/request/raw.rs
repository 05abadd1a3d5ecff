//! Requests by their raw arguments.

use core::ffi::c_void;

use super::state::Request;
use super::transfer::{Attachment, Transfer, sealed};
use crate::error::IrpError;
use crate::irp::Irp;
use crate::irql::PassiveOnly;
use crate::sys::PARAMETERS_OTHERS;

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
#[derive(Debug)]
pub enum Raw {}

impl sealed::Sealed for Raw {}

impl<'d> Irp<'d> {
    /// Any other request, by its raw arguments: a URB in `Argument1` of an internal device control,
    /// for instance. `keep_alive` may be moved until the IRP is sent, so the arguments must not
    /// point into the value itself, only to what it owns elsewhere; it is given back when the IRP
    /// is completed. May be sent at `PASSIVE_LEVEL`.
    ///
    /// # Safety
    /// - A driver may send such a request with an IRP of `IoAllocateIrp`.
    /// - What the arguments point to stays valid until the request is completed, however it ends
    ///   and even if its handle is leaked.
    pub unsafe fn raw<B>(self, request: RawRequest, keep_alive: B) -> Request<'d, Raw, B> {
        self.function(request.major_function.into(), request.minor_function);
        self.next_location().set_flags(request.flags);
        let [argument1, argument2, argument3, argument4] = request.arguments;
        self.next_location()
            .set_other_parameters(PARAMETERS_OTHERS {
                Argument1: argument1,
                Argument2: argument2,
                Argument3: argument3,
                Argument4: argument4,
            });
        Request::new(self, keep_alive)
    }
}

// SAFETY: the lowest IRQL suits every request; no memory is entered.
unsafe impl<B: Send> Transfer<B> for Raw {
    type Irql = PassiveOnly;
    unsafe fn attach(_: &Attachment, _: &mut B) -> Result<(), IrpError> {
        Ok(())
    }
}
