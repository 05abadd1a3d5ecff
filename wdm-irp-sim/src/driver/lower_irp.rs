//! An IRP as the code of a modelled driver sees it.

use std::ffi::c_void;
use std::fmt;

use wdm_irp::sys::{IRP, NTSTATUS, SL_PENDING_RETURNED, STATUS_PENDING, STATUS_UNSUCCESSFUL};

use crate::driver::device::DeviceShared;
use crate::driver::received::{Parameters, Received};
use crate::io::irp::{IrpAccess, LocationAccess};
use crate::io::major;
use crate::ke::irql;
use crate::kernel::{Inner, this_thread};
use crate::sync::{Arc, Duration, thread};

/// An IRP at a modelled driver, which owns it until it completes it, passes it on, or puts it aside.
///
/// Dropping it loses the IRP, as a buggy driver would; the machine reports it as leaked in flight.
///
/// # Invariants
/// `irp` is IRP `number` of `machine`, is at the driver of `device`, and its memory stays while `machine` does: the
/// ledger frees no IRP that is in flight.
pub struct LowerIrp {
    pub(super) irp: *mut IRP,
    pub(super) number: u32,
    pub(super) machine: Arc<Inner>,
    pub(super) device: Arc<DeviceShared>,
    pub(super) done: bool,
}

// SAFETY: an IRP belongs to no thread, only to one driver at a time.
unsafe impl Send for LowerIrp {}

impl fmt::Debug for LowerIrp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LowerIrp")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

impl LowerIrp {
    /// # Safety
    /// By the type's invariant.
    pub(crate) unsafe fn new(
        machine: &Arc<Inner>,
        device: &Arc<DeviceShared>,
        irp: *mut IRP,
        number: u32,
    ) -> Self {
        // INVARIANT: by contract.
        Self {
            irp,
            number,
            machine: machine.clone(),
            device: device.clone(),
            done: false,
        }
    }

    pub(crate) fn access(&self) -> IrpAccess {
        // SAFETY: by the type's invariant.
        unsafe { IrpAccess::new(self.irp) }
    }

    pub(crate) fn machine(&self) -> Arc<Inner> {
        self.machine.clone()
    }

    pub(crate) fn device(&self) -> Arc<DeviceShared> {
        self.device.clone()
    }

    pub(super) fn location(&self) -> LocationAccess {
        let access = self.access();
        access
            .location(access.current_location())
            .expect("the IRP is at a driver, so it has a current location")
    }

    /// The IRP, for raw calls.
    #[must_use]
    pub const fn as_ptr(&self) -> *mut IRP {
        self.irp
    }

    /// The number of the IRP in the timeline.
    #[must_use]
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// `IRP_MJ_…`
    #[must_use]
    pub fn major(&self) -> u8 {
        self.location().major()
    }

    /// `IRP_MN_…`
    #[must_use]
    pub fn minor(&self) -> u8 {
        self.location().minor()
    }

    /// The arguments.
    #[must_use]
    pub fn parameters(&self) -> Parameters {
        let location = self.location();
        match location.major() {
            major::READ | major::WRITE => {
                let read = location.read_parameters();
                Parameters::Transfer {
                    length: read.Length.0,
                    key: read.Key.0,
                    byte_offset: read.ByteOffset,
                }
            }
            major::CONTROL | major::INTERNAL_CONTROL => {
                let control = location.control_parameters();
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

    /// The four argument cells of a request that is no read, write or device control, for which they are null.
    #[must_use]
    pub fn arguments(&self) -> [*mut c_void; 4] {
        let location = self.location();
        match location.major() {
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

    /// The control code of a device control, else 0.
    #[must_use]
    pub fn control_code(&self) -> u32 {
        match self.parameters() {
            Parameters::Control { code, .. } => code,
            _ => 0,
        }
    }

    /// Whether the IRP was cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.access().is_cancelled()
    }

    /// The request as it is now.
    pub(crate) fn receive(&self) -> Received {
        let access = self.access();
        let location = self.location();
        Received {
            irp: self.number,
            major: location.major(),
            minor: location.minor(),
            flags: location.flags(),
            control: location.control(),
            parameters: self.parameters(),
            irql: this_thread::irql(),
            stack_count: access.stack_count(),
            location: access.current_location(),
            data: self.input(),
        }
    }

    /// `IoMarkIrpPending`
    pub fn mark_pending(&self) {
        let location = self.location();
        location.set_control(location.control() | SL_PENDING_RETURNED);
        self.machine.note(Some(self.number), "IoMarkIrpPending");
    }

    /// Sets `Irp->IoStatus` and calls `IoCompleteRequest`. Returns the status, for the dispatch routine.
    #[expect(clippy::must_use_candidate, reason = "called for its effect")]
    pub fn complete(mut self, status: NTSTATUS, information: usize) -> NTSTATUS {
        self.done = true;
        self.access().set_status(status, information);
        // The test's thread may do this for the driver.
        let _busy =
            this_thread::enter_routine(&self.machine, self.number, self.device.lane(), false);
        // SAFETY: the IRP is at this driver by the type's invariant, and not touched any more.
        unsafe { self.machine.complete(self.irp) };
        status
    }

    /// Marks the IRP pending, and completes it on another thread at `DISPATCH_LEVEL` after a delay. Returns
    /// `STATUS_PENDING`, for the dispatch routine.
    #[expect(clippy::must_use_candidate, reason = "called for its effect")]
    pub fn complete_after(self, delay: Duration, status: NTSTATUS, information: usize) -> NTSTATUS {
        self.mark_pending();
        let device = self.device();
        let machine = self.machine();
        machine.spawn_worker(&device, move || {
            thread::sleep(delay);
            let _raised = irql::raise(wdm_irp::sys::DISPATCH_LEVEL);
            self.complete(status, information);
        });
        STATUS_PENDING
    }

    /// Forgets the IRP: the machine has ended.
    pub(crate) fn abandon(mut self) {
        self.done = true;
    }
}

impl Drop for LowerIrp {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        self.done = true;
        if thread::panicking() {
            // The code of the driver panicked: do not let the originator hang, too.
            self.access().set_status(STATUS_UNSUCCESSFUL, 0);
            // SAFETY: the IRP is at this driver by the type's invariant, and not touched any more.
            unsafe { self.machine.complete(self.irp) };
        } else {
            self.machine.note(
                Some(self.number),
                "the driver has lost the IRP without completing it",
            );
        }
    }
}
