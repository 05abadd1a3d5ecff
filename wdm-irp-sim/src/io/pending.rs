//! The contract between the status of a dispatch routine and `IoMarkIrpPending`.

use wdm_irp::sys::STATUS_PENDING;

use crate::kernel::Kernel;
use crate::kernel::irps::Frame;
use crate::report::kind::ViolationKind;
use crate::report::names::status_name;
use crate::sync::{Arc, lock};

impl Kernel {
    /// Notes in the ledger that the driver at a location has completed the IRP.
    pub(super) fn frame_completed(self: &Arc<Self>, number: u32, location: i8, marked: bool) {
        let breach = {
            let mut ledger = lock(&self.ledger);
            ledger
                .irps
                .get_mut(&number)
                .and_then(|record| {
                    record
                        .frames
                        .iter_mut()
                        .rev()
                        .find(|frame| frame.location == location && frame.marked.is_none())
                })
                .and_then(|frame| {
                    frame.marked = Some(marked);
                    breach_of_contract(frame)
                })
        };
        if let Some(breach) = breach {
            self.violate_lower(ViolationKind::PendingContract, Some(number), &breach);
        }
    }
}

/// Checks what a dispatch routine returned against the pending mark, once both are known.
pub(super) fn breach_of_contract(frame: &mut Frame) -> Option<String> {
    let device = &frame.device;
    let breach = match (frame.returned, frame.marked) {
        (Some(STATUS_PENDING), Some(false)) => {
            format!("{device} returned STATUS_PENDING and has not marked the IRP pending")
        }
        (Some(status), Some(true)) if status != STATUS_PENDING => format!(
            "{device} has marked the IRP pending and returned {}",
            status_name(status)
        ),
        // Not completed when the dispatch routine returned, or this would have been seen before.
        (Some(status), None) if status != STATUS_PENDING => format!(
            "{device} returned {} without having completed the IRP",
            status_name(status)
        ),
        _ => return None,
    };
    (!std::mem::replace(&mut frame.noted, true)).then_some(breach)
}
