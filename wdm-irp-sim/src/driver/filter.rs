//! Filter drivers, which pass requests on.

use std::ffi::c_void;

use wdm_irp::sys::irp::Irp;
use wdm_irp::sys::{DEVICE_OBJECT, IRP, NTSTATUS, SL_INVOKE_ALWAYS, STATUS_SUCCESS};

use crate::driver::behavior::Behavior;
use crate::driver::device::Device;
use crate::driver::lower_irp::LowerIrp;
use crate::kernel::objects::DeviceObject;

impl LowerIrp {
    /// Passes the IRP on to a lower device as a filter driver does, and returns the lower driver's
    /// status.
    ///
    /// It copies the location to the next one, sets a completion routine that propagates the
    /// pending mark, and calls the driver.
    #[expect(clippy::must_use_candidate, reason = "called for its effect")]
    pub fn forward(self, lower: &Device) -> NTSTATUS {
        let access = self.access();
        if let Some(next) = access.next() {
            self.location().copy_to(next);
            let routine = Some(propagate_pending as _);
            next.set_completion_routine(routine, std::ptr::null_mut(), SL_INVOKE_ALWAYS);
        }
        let (device, irp) = self.into_parts();
        let _busy = irp.enter(device.lane());
        // SAFETY: the next location, if there is one, is a copy of the driver's own since the lines
        // above.
        unsafe { irp.call_driver(lower.as_ptr()) }
    }
}

/// Propagates the pending mark: the completion routine of a filter driver.
///
/// # Safety
/// The I/O manager calls it, for an IRP that [`LowerIrp::forward`] has passed on.
unsafe extern "system" fn propagate_pending(
    _device: *mut DEVICE_OBJECT,
    irp: *mut IRP,
    _context: *mut c_void,
) -> NTSTATUS {
    // SAFETY: the I/O manager calls this with an allocated IRP, which is the routine's until it
    // returns.
    let access = unsafe { Irp::new(irp) };
    // The current location is that of the filter, which had one to copy.
    if let Some(location) = access.current().filter(|_| access.pending_returned()) {
        location.mark_pending();
    }
    STATUS_SUCCESS
}

impl Behavior {
    /// Creates a filter driver, which passes each request on: see [`LowerIrp::forward`].
    #[must_use]
    pub fn pass_through(lower: &Device) -> Self {
        let lower = lower.clone();
        Self::custom(move |irp| irp.forward(&lower))
    }
}
