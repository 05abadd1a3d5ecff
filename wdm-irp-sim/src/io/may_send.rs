//! Whether an IRP may be sent: by whom, with which routine, file object and status, at which IRQL.

use wdm_irp::sys::irp::{Irp, StackLocation};
use wdm_irp::sys::{
    IRP_MJ_PNP, IRP_MJ_POWER, IRP_MJ_SYSTEM_CONTROL, PIO_COMPLETION_ROUTINE, SL_INVOKE_ALWAYS,
    STATUS_NOT_SUPPORTED,
};

use crate::io::major::highest_irql;
use crate::kernel::counted::ObjectKind;
use crate::kernel::irps::{IrpRecord, Owner};
use crate::kernel::objects::DeviceObject;
use crate::kernel::{Kernel, this_thread};
use crate::report::kind::ViolationKind;
use crate::report::names::{irql_name, major_name, status_name};
use crate::sync::{lock, thread};

impl Kernel {
    /// Returns a reason why `IofCallDriver` must not touch an IRP, if there is one.
    pub(super) fn why_not_send(
        &self,
        number: u32,
        record: &IrpRecord,
    ) -> Option<(ViolationKind, &'static str)> {
        if record.doomed {
            return Some((
                ViolationKind::FreedIrpUsed,
                "IofCallDriver on an IRP that its originator has freed in flight",
            ));
        }
        match record.owner {
            Owner::Freed => Some((
                ViolationKind::FreedIrpUsed,
                "IofCallDriver on an IRP that is freed",
            )),
            // Any driver that has the IRP may send it on. The originator's thread, outside of any
            // routine for the IRP, is no such driver.
            Owner::InFlight
                if record.origin_thread == Some(thread::current().id())
                    && !this_thread::is_busy_with(self, number) =>
            {
                Some((
                    ViolationKind::SentInFlight,
                    "IofCallDriver by the originator on an IRP that is in flight",
                ))
            }
            Owner::InFlight | Owner::Originator => None,
        }
    }

    /// Checks that a request to a device carries a file object of the device's stack, which its
    /// driver needs.
    pub(crate) fn check_file_object(&self, access: Irp, number: u32, device: &dyn DeviceObject) {
        let file = access
            .current()
            .map_or(std::ptr::null_mut(), StackLocation::file_object);
        let is_right = {
            let ledger = lock(&self.ledger);
            let top = ledger.top_of(device.as_ptr().addr());
            ledger.objects.get(&file.addr()).is_some_and(|record| {
                let ObjectKind::File { device, .. } = record.kind else {
                    return false;
                };
                !record.gone && ledger.top_of(device) == top
            })
        };
        if !is_right {
            let text = format!("a request to {} without a file object of it", device.name());
            self.violate(ViolationKind::FileObjectMissing, Some(number), &text);
        }
    }

    /// Checks that a request may be sent at the current IRQL.
    pub(super) fn check_send_irql(&self, number: u32, major: u8) {
        let irql = this_thread::irql();
        if irql > highest_irql(major) {
            self.violate(
                ViolationKind::SentAtBadIrql,
                Some(number),
                &format!(
                    "IofCallDriver for {} at {}_LEVEL",
                    major_name(major),
                    irql_name(irql)
                ),
            );
        }
    }
}

/// Checks that a `PnP`, power or WMI request starts with `STATUS_NOT_SUPPORTED`, which says that
/// nobody has answered it.
pub(super) fn check_initial_status(access: Irp, major: u8) -> Option<(ViolationKind, String)> {
    let kind = match u32::from(major) {
        IRP_MJ_PNP => ViolationKind::PnpIrpStatus,
        IRP_MJ_POWER => ViolationKind::PowerIrpStatus,
        IRP_MJ_SYSTEM_CONTROL => ViolationKind::WmiIrpStatus,
        _ => return None,
    };
    let status = access.status();
    (status != STATUS_NOT_SUPPORTED).then(|| {
        let (major, status) = (major_name(major), status_name(status));
        let text = format!("IofCallDriver for {major} that starts with {status}");
        (kind, text)
    })
}

/// Checks that the originator's routine runs whatever happens.
pub(super) fn check_registration(location: StackLocation) -> Option<(ViolationKind, &'static str)> {
    let routine: PIO_COMPLETION_ROUTINE = location.completion_routine();
    let control = location.control() & SL_INVOKE_ALWAYS;
    if routine.is_none() || control == 0 {
        Some((
            ViolationKind::SentWithoutRoutine,
            "IofCallDriver on a driver-allocated IRP without completion routine",
        ))
    } else if control != SL_INVOKE_ALWAYS {
        Some((
            ViolationKind::RoutineNotForAllOutcomes,
            "IofCallDriver on a driver-allocated IRP whose completion routine is not registered for success, error \
             and cancel alike",
        ))
    } else {
        None
    }
}
