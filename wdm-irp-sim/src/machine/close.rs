//! The checks of the end.

use crate::io::irp::{self, OVERRUN};
use crate::kernel::Kernel;
use crate::kernel::irps::{Owner, Source, describe};
use crate::report::kind::ViolationKind;
use crate::report::summary::Report;
use crate::sync::lock;

impl Kernel {
    /// Waits for the lower drivers' threads, and makes the checks of the end.
    pub(super) fn close(&self) -> Report {
        self.join_workers();
        // Lower drivers may own handles of this machine, which would live forever with them.
        let devices = lock(&self.ledger).devices.clone();
        for device in devices {
            device.retire();
        }
        let mut found = self.held_locks();
        found.extend(self.blocks_left());
        found.extend(self.references_left());
        found.extend(self.registrations_left());
        {
            let mut ledger = lock(&self.ledger);
            for (number, record) in &ledger.irps {
                let is_drivers =
                    record.source == Source::Driver && record.owner == Owner::Originator;
                if record.owner != Owner::Freed && !is_drivers {
                    found.push((
                        ViolationKind::IrpLeaked,
                        Some(*number),
                        format!("never freed; {}", describe(record)),
                    ));
                }
                let intact = record.memory.as_ref().is_none_or(|memory| {
                    // SAFETY: the memory of an IRP of `irp::allocate`, as the ledger has it; the
                    // workers have ended, and a test that ends its machine has no thread left that
                    // writes to an IRP.
                    unsafe { irp::guard_is_intact(memory, record.stack_count) }
                });
                if !intact {
                    found.push((ViolationKind::IrpOverrun, Some(*number), OVERRUN.to_owned()));
                }
            }
            for record in ledger.mdls.values().filter(|record| !record.freed) {
                let (kind, text) = if record.locked {
                    (
                        ViolationKind::PagesLeftLocked,
                        "the pages of an MDL were never unlocked",
                    )
                } else {
                    (ViolationKind::MdlLeaked, "an MDL was never freed")
                };
                found.push((kind, record.irp, text.to_owned()));
            }
            for (irp, text) in ledger.quarantine.drain() {
                found.push((ViolationKind::WriteAfterFree, irp, text));
            }
        }
        self.violate_all(found);
        self.report()
    }
}
