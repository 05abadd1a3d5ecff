//! The steps that write down what an actor sees.

use wdm_irp::sys::KeGetCurrentIrql;

use super::act::{Act, present};
use crate::irp::current;
use crate::show::{Boolean, Control, Irql, Status};

impl Act<'_> {
    /// Writes down the fields of the IRP.
    pub(super) fn show_irp(&self) {
        let irp = self.access();
        self.trace(format_args!(
            "IRP at location {} of {}, PendingReturned {}, {}, Information {}, Cancel {}, CancelRoutine {}",
            irp.current_location(),
            irp.stack_count(),
            Boolean(irp.pending_returned().into()),
            Status(irp.status()),
            irp.information(),
            Boolean(irp.cancel().into()),
            present(irp.has_cancel_routine()),
        ));
    }

    /// Writes down the current stack location.
    pub(super) fn show_location(&self) {
        let irp = self.access();
        let Some(location) = current(irp) else {
            self.trace(format_args!("no location"));
            return;
        };
        self.trace(format_args!(
            "location {} for {}, Control {}",
            irp.current_location(),
            self.bench().devices.name(location.device_object()),
            Control(location.control()),
        ));
    }

    /// Writes down the IRQL.
    pub(super) fn show_irql(&self) {
        // SAFETY: this has no preconditions in kernel mode, where the script runs.
        let irql = unsafe { KeGetCurrentIrql() };
        self.trace(format_args!("at {}", Irql(irql)));
    }
}
