//! Locks that are held, and IRPs that are in flight, when their memory is freed or the machine
//! ends.

use std::ops::Range;

use crate::kernel::Kernel;
use crate::kernel::record::Found;
use crate::report::kind::ViolationKind;
use crate::sync::lock;

impl Kernel {
    /// Forgets the locks and the driver's own IRPs in memory that is freed, and records locks that
    /// are held and IRPs that are in flight.
    pub(crate) fn forget_memory(&self, memory: &Range<usize>) {
        let mut found: Vec<Found> = Vec::new();
        {
            let mut ledger = lock(&self.ledger);
            for number in ledger.forget_irps_in(memory) {
                let text = "the memory of an IRP that a lower driver has";
                let kind = ViolationKind::IrpFreedInFlight;
                found.push((kind, Some(number), text.to_owned()));
            }
            ledger.remove_locks.retain(|address, record| {
                let freed = memory.contains(address);
                if freed && !record.tags.is_empty() {
                    let text = "the memory of a remove lock that is held";
                    found.push((ViolationKind::LockFreedWhileHeld, None, text.to_owned()));
                }
                !freed
            });
            ledger.rundowns.retain(|address, record| {
                let freed = memory.contains(address);
                if freed && record.accesses > 0 {
                    let text = "the memory of run-down protection that is held";
                    found.push((ViolationKind::LockFreedWhileHeld, None, text.to_owned()));
                }
                !freed
            });
        }
        self.violate_all(found);
    }

    /// Finds locks that are still held.
    pub(crate) fn held_locks(&self) -> Vec<Found> {
        let ledger = lock(&self.ledger);
        let remove_locks = ledger.remove_locks.values().filter_map(|record| {
            let tags = &record.tags;
            (!tags.is_empty()).then(|| {
                let text = format!("a remove lock was never released with the tags {tags:x?}");
                (ViolationKind::RemoveLockLeaked, None, text)
            })
        });
        let rundowns = ledger.rundowns.values().filter_map(|record| {
            let accesses = record.accesses;
            (accesses > 0).then(|| {
                let text = format!("run-down protection is held {accesses} times");
                (ViolationKind::RundownLeaked, None, text)
            })
        });
        remove_locks.chain(rundowns).collect()
    }
}
