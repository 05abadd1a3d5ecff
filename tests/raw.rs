//! Raw requests whose argument is an address, and a modeled driver that follows it.
#![expect(
    unsafe_code,
    reason = "vouches for the requests, and follows their addresses"
)]

use std::ptr;

use crate::Target;
use wdm_irp::Irp;
use wdm_irp::request::{Raw, RawRequest, Request};
use wdm_irp::sys::{NTSTATUS, STATUS_SUCCESS};
use wdm_irp_sim::{Behavior, LowerIrp};

/// Makes a request whose first argument is the address of a number, of which `place` says where it
/// is in the value or in what the value owns.
///
/// The device must be one of [`doubles`].
pub fn request<B: Send>(
    irp: Irp<Target>,
    major_function: u8,
    value: B,
    place: fn(&mut B) -> &mut u64,
) -> Request<Target, Raw<impl Fn(&mut B) -> RawRequest + use<B>>, B> {
    let arguments = move |value: &mut B| RawRequest {
        major_function,
        minor_function: 0,
        flags: 0,
        arguments: [
            ptr::from_mut(place(value)).cast(),
            ptr::null_mut(),
            ptr::null_mut(),
            ptr::null_mut(),
        ],
    };
    // SAFETY: the modeled driver takes the address of a number, and has finished with it when it
    // completes the request. `place` returns a reference, and does not unwind.
    unsafe { irp.raw(value, arguments) }
}

/// Makes a driver that doubles the number at the first argument, `respond`s as it likes, and tells
/// with which status the request began.
pub fn doubles(
    respond: impl Fn(LowerIrp, NTSTATUS) -> NTSTATUS + Send + Sync + 'static,
) -> Behavior {
    Behavior::custom(move |irp| {
        let number = irp.arguments()[0].cast::<u64>();
        // SAFETY: the request is one of `request`, whose address is that of a number that nobody
        // else uses until this driver completes the request.
        let number = unsafe { &mut *number };
        *number *= 2;
        let status = irp.status();
        respond(irp, status)
    })
}

/// Completes a request with success, at once.
#[must_use]
pub fn succeed(irp: LowerIrp, _: NTSTATUS) -> NTSTATUS {
    irp.complete(STATUS_SUCCESS, 0)
}
