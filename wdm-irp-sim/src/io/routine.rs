//! The call of a completion routine.

use wdm_irp::sys::irp::Irp;
use wdm_irp::sys::{DEVICE_OBJECT, IRP, NTSTATUS};

use crate::fault::DelayPoint;
use crate::kernel::{Kernel, this_thread};
use crate::report::kind::ViolationKind;
use crate::report::names::status_name;
use crate::report::timeline::{Lane, Step};
use crate::sync::Arc;

impl Kernel {
    /// Calls a completion routine; the IRP may be gone when it returns.
    #[expect(
        clippy::too_many_arguments,
        reason = "what a routine is called with, and what the timeline says about it"
    )]
    pub(super) fn call_routine(
        self: &Arc<Self>,
        access: Irp,
        number: u32,
        lane: Lane,
        is_originators: bool,
        routine: unsafe extern "system" fn(
            *mut DEVICE_OBJECT,
            *mut IRP,
            *mut std::ffi::c_void,
        ) -> NTSTATUS,
        device: *mut DEVICE_OBJECT,
        context_of_routine: *mut std::ffi::c_void,
    ) -> NTSTATUS {
        let pending = access.pending_returned();
        self.record(
            Some(number),
            Step::Call,
            Lane::IoManager,
            lane.clone(),
            format!("completion routine: PendingReturned={}", u8::from(pending)),
        );
        let irql = this_thread::irql();
        let returned = {
            let _busy = this_thread::enter_routine(self, number, lane.clone(), is_originators);
            // SAFETY: a driver has registered the routine and its context for this IRP, and keeps
            // both valid until the routine has run. The IRP is the routine's from here on.
            unsafe { routine(device, access.as_ptr(), context_of_routine) }
        };
        if this_thread::irql() != irql {
            self.violate(
                ViolationKind::IrqlChanged,
                Some(number),
                "a completion routine returned at another IRQL than it was called at",
            );
        }
        self.record(
            Some(number),
            Step::Return,
            lane,
            Lane::IoManager,
            format!("routine returned {}", status_name(returned)),
        );
        self.faults.delay_at(DelayPoint::AfterRoutine);
        returned
    }
}
