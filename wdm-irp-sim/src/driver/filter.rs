//! Filter drivers, which pass requests on.

use std::ffi::c_void;

use wdm_irp::sys::{DEVICE_OBJECT, IRP, NTSTATUS, SL_INVOKE_ALWAYS, STATUS_SUCCESS};

use crate::driver::behavior::Behavior;
use crate::driver::device::Device;
use crate::driver::lower_irp::LowerIrp;
use crate::kernel::objects::DeviceObject;

impl LowerIrp {
    /// Passes the IRP on to a lower device as a filter driver does: copies the location to the next one, sets a
    /// completion routine that propagates the pending mark, and calls the driver. Returns its status.
    pub fn forward(self, lower: &Device) -> NTSTATUS {
        let access = self.access();
        if let Some(next) = access.location(access.current_location() - 1) {
            self.location().copy_to_next(next);
            next.set_routine(Some(propagate_pending), std::ptr::null_mut());
            next.set_control(SL_INVOKE_ALWAYS);
        }
        let (device, irp) = self.into_parts();
        let _busy = irp.enter(device.lane());
        // SAFETY: the next location, if there is one, was filled in above.
        unsafe { irp.call_driver(lower.as_ptr()) }
    }
}

/// The completion routine of a filter driver.
///
/// # Safety
/// As the I/O manager calls it.
unsafe extern "system" fn propagate_pending(
    _device: *mut DEVICE_OBJECT,
    irp: *mut IRP,
    _context: *mut c_void,
) -> NTSTATUS {
    // SAFETY: the IRP is with this routine until it returns.
    if unsafe { wdm_irp::sys::irp_pending_returned(irp) } {
        // SAFETY: this driver has a location, whose copy it has passed on.
        unsafe { wdm_irp::sys::IoMarkIrpPending(irp) };
    }
    STATUS_SUCCESS
}

impl Behavior {
    /// A filter driver: copies its location to the next one, sets a completion routine that propagates the pending
    /// mark, and calls the lower driver.
    #[must_use]
    pub fn pass_through(lower: &Device) -> Self {
        let lower = lower.clone();
        Self::custom(move |irp| irp.forward(&lower))
    }
}
