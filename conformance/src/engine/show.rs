//! The steps that write down what an actor sees.

use wdm_irp::sys::KeGetCurrentIrql;

use super::act::{Act, present};
use crate::show::{Boolean, Control, Irql, Status};

impl Act<'_> {
    pub(super) fn show_irp(&self) {
        let irp = self.access();
        self.trace(format_args!(
            "IRP at location {} of {}, PendingReturned {}, {}, Information {}, Cancel {}, CancelRoutine {}",
            irp.current_location(),
            irp.stack_count(),
            Boolean(irp.pending_returned().into()),
            Status(irp.status()),
            irp.information(),
            Boolean(irp.cancel()),
            present(irp.has_cancel_routine()),
        ));
    }

    pub(super) fn show_location(&self) {
        let irp = self.access();
        let Some(location) = irp.current() else {
            self.trace(format_args!("no location"));
            return;
        };
        self.trace(format_args!(
            "location {} for {}, Control {}",
            irp.current_location(),
            self.bench().devices.name(location.device()),
            Control(location.control()),
        ));
    }

    pub(super) fn show_irql(&self) {
        // SAFETY: the script runs in kernel mode.
        let irql = unsafe { KeGetCurrentIrql() };
        self.trace(format_args!("at {}", Irql(irql)));
    }
}
