//! An IRP as the code of a modeled driver sees it.

use std::ffi::c_void;
use std::fmt;

use wdm_irp::sys::irp::{Irp, StackLocation};
use wdm_irp::sys::{DISPATCH_LEVEL, IRP, NTSTATUS, STATUS_PENDING, STATUS_UNSUCCESSFUL};

use crate::driver::device::DeviceShared;
use crate::driver::owned_irp::OwnedIrp;
use crate::driver::received::Parameters;
use crate::io::major;
use crate::ke::irql;
use crate::kernel::Kernel;
use crate::kernel::objects::DeviceObject;
use crate::sync::{Arc, Duration, thread};

/// An IRP at a modeled driver, which owns it until it completes it, passes it on or puts it aside.
///
/// Dropping it loses the IRP, as a buggy driver would; the machine reports it as leaked in flight.
///
/// # Invariants
/// 1. The IRP is at the driver of `device`, and its current location is that driver's.
/// 2. `irp` is `None` only in the method that has consumed the value, and in the drop that follows.
pub struct LowerIrp {
    irp: Option<OwnedIrp>,
    device: Arc<DeviceShared>,
}

impl fmt::Debug for LowerIrp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LowerIrp")
            .field("number", &self.number())
            .finish_non_exhaustive()
    }
}

impl LowerIrp {
    /// Gives the code of a driver an IRP.
    ///
    /// # Safety
    /// The IRP is at the driver of `device`, and its current location is that driver's.
    pub(super) unsafe fn new(device: &Arc<DeviceShared>, irp: OwnedIrp) -> Self {
        // INVARIANT: 1 by the caller's contract; 2 since there is an IRP.
        Self {
            irp: Some(irp),
            device: device.clone(),
        }
    }

    /// Returns the IRP, which is there by invariant 2.
    const fn irp(&self) -> &OwnedIrp {
        self.irp
            .as_ref()
            .expect("taken by the methods that consume this value only")
    }

    /// Takes the value apart.
    pub(super) fn into_parts(mut self) -> (Arc<DeviceShared>, OwnedIrp) {
        let irp = self.irp.take().expect("nothing has consumed this value");
        (self.device.clone(), irp)
    }

    /// Returns the fields of the IRP.
    pub(super) fn access(&self) -> Irp {
        self.irp().access()
    }

    pub(super) fn kernel(&self) -> &Arc<Kernel> {
        &self.irp().kernel
    }

    pub(super) const fn device(&self) -> &Arc<DeviceShared> {
        &self.device
    }

    /// Returns the location of the driver.
    pub(super) fn location(&self) -> StackLocation {
        self.access()
            .current()
            .expect("the IRP is at a driver, so it has a current location")
    }

    /// Returns the address of the IRP, for raw calls.
    #[must_use]
    pub const fn as_ptr(&self) -> *mut IRP {
        self.irp().irp
    }

    /// Returns the number of the IRP in the timeline.
    #[must_use]
    pub const fn number(&self) -> u32 {
        self.irp().number
    }

    /// Returns the major function, `IRP_MJ_…`.
    #[must_use]
    pub fn major(&self) -> u8 {
        self.location().major_function()
    }

    /// Returns the minor function, `IRP_MN_…`.
    #[must_use]
    pub fn minor(&self) -> u8 {
        self.location().minor_function()
    }

    /// Returns `Irp->IoStatus.Status`: before the driver sets it, what the originator has set.
    #[must_use]
    pub fn status(&self) -> NTSTATUS {
        self.access().status()
    }

    /// Returns the arguments.
    #[must_use]
    pub fn parameters(&self) -> Parameters {
        let location = self.location();
        match location.major_function() {
            major::READ | major::WRITE => {
                let read = location.read_parameters();
                Parameters::Transfer {
                    length: read.Length.0,
                    key: read.Key.0,
                    byte_offset: read.ByteOffset,
                }
            }
            major::CONTROL | major::INTERNAL_CONTROL => {
                let control = location.device_control_parameters();
                Parameters::Control {
                    output_length: control.OutputBufferLength.0,
                    input_length: control.InputBufferLength.0,
                    code: control.IoControlCode.0,
                    type3_input: control.Type3InputBuffer.addr(),
                }
            }
            _ => {
                let cells = self.arguments();
                Parameters::Others(cells.map(<*mut c_void>::addr))
            }
        }
    }

    /// Returns the four argument cells; all null for a read, write or device control.
    #[must_use]
    pub fn arguments(&self) -> [*mut c_void; 4] {
        let location = self.location();
        match location.major_function() {
            major::READ | major::WRITE | major::CONTROL | major::INTERNAL_CONTROL => {
                [std::ptr::null_mut(); 4]
            }
            _ => {
                let others = location.other_parameters();
                [
                    others.Argument1,
                    others.Argument2,
                    others.Argument3,
                    others.Argument4,
                ]
            }
        }
    }

    /// Returns the control code of a device control, and 0 for any other request.
    #[must_use]
    pub fn control_code(&self) -> u32 {
        match self.parameters() {
            Parameters::Control { code, .. } => code,
            _ => 0,
        }
    }

    /// Returns whether the IRP was cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.access().cancel()
    }

    /// Marks the IRP pending (`IoMarkIrpPending`).
    pub fn mark_pending(&self) {
        self.location().mark_pending();
        self.kernel().note(Some(self.number()), "IoMarkIrpPending");
    }

    /// Sets `Irp->IoStatus`, calls `IoCompleteRequest`, and returns the status for the dispatch
    /// routine.
    #[expect(clippy::must_use_candidate, reason = "called for its effect")]
    pub fn complete(self, status: NTSTATUS, information: usize) -> NTSTATUS {
        let (device, irp) = self.into_parts();
        device.complete(irp, status, information);
        status
    }

    /// Marks the IRP pending, and completes it on another thread after a delay.
    ///
    /// The completion runs at `DISPATCH_LEVEL`. Returns `STATUS_PENDING`, for the dispatch routine.
    #[expect(clippy::must_use_candidate, reason = "called for its effect")]
    pub fn complete_after(self, delay: Duration, status: NTSTATUS, information: usize) -> NTSTATUS {
        self.mark_pending();
        let lane = self.device.lane();
        self.kernel().clone().spawn_worker(lane, move || {
            thread::sleep(delay);
            let _raised = irql::raise(DISPATCH_LEVEL);
            self.complete(status, information);
        });
        STATUS_PENDING
    }
}

impl Drop for LowerIrp {
    fn drop(&mut self) {
        let Some(irp) = self.irp.take() else {
            return;
        };
        if thread::panicking() {
            // The code of the driver panicked: do not let the originator hang, too.
            irp.complete(STATUS_UNSUCCESSFUL, 0);
        } else {
            irp.kernel.note(
                Some(irp.number),
                "the driver has lost the IRP without completing it",
            );
        }
    }
}
