//! What drivers have not given back when the machine ends.

use crate::kernel::Kernel;
use crate::kernel::counted::ObjectRecord;
use crate::kernel::irps::Owner;
use crate::kernel::pool::OVERRUN;
use crate::kernel::record::Found;
use crate::report::kind::ViolationKind;
use crate::report::names::tag_name;
use crate::sync::lock;

impl Kernel {
    /// Finds blocks that are still allocated, and those that were written past.
    pub(crate) fn blocks_left(&self) -> Vec<Found> {
        let mut found = Vec::new();
        for record in lock(&self.ledger).pool.values() {
            if !record.freed {
                let text = format!(
                    "{} bytes of pool with tag {} were never freed",
                    record.size,
                    tag_name(record.tag)
                );
                found.push((ViolationKind::PoolLeaked, record.irp, text));
            }
            // SAFETY: the machine ends: a test has no thread left that writes to memory of it.
            if !unsafe { record.guard_is_intact() } {
                found.push((ViolationKind::PoolOverrun, record.irp, OVERRUN.to_owned()));
            }
        }
        found
    }

    /// Finds references that drivers still have.
    pub(crate) fn references_left(&self) -> Vec<Found> {
        let text = |record: &ObjectRecord| {
            let (name, count) = (&record.name, record.references);
            format!("{count} references to {name} were never released")
        };
        lock(&self.ledger)
            .objects
            .values()
            .filter(|record| record.references > 0)
            .map(|record| (ViolationKind::ObjectLeaked, None, text(record)))
            .collect()
    }

    /// Finds registrations whose routine will not run: their IRPs are not in flight.
    pub(crate) fn registrations_left(&self) -> Vec<Found> {
        let ledger = lock(&self.ledger);
        let is_in_flight = |number: &u32| {
            let record = ledger.irps.get(number);
            record.is_some_and(|record| record.owner == Owner::InFlight)
        };
        ledger
            .registrations
            .values()
            .filter(|registration| !is_in_flight(&registration.irp))
            .map(|registration| {
                let text = "a routine was registered by IoSetCompletionRoutineEx, and never called";
                let kind = ViolationKind::RegistrationLeaked;
                (kind, Some(registration.irp), text.to_owned())
            })
            .collect()
    }
}
