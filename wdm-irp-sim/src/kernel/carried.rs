//! What an IRP in flight carries, and IRPs in memory of the driver: memory that must stay until
//! they are back.

use std::ops::Range;

use crate::kernel::irps::{Owner, Source};
use crate::kernel::ledger::Ledger;
use crate::kernel::this_thread;

impl Ledger {
    /// Notes that an IRP carries its MDLs and uses its memory from now on.
    pub(crate) fn carry(&mut self, number: u32) {
        let Some(record) = self.irps.get_mut(&number) else {
            return;
        };
        // What `IoSetCompletionRoutineEx` has registered has the context of the driver's routine.
        for address in &mut record.uses {
            if let Some(registration) = self.registrations.get(address) {
                *address = registration.context.0.addr();
            }
        }
        for address in &record.mdls {
            if let Some(mdl) = self.mdls.get_mut(address) {
                mdl.in_flight = Some(number);
            }
        }
        let used = record.uses.iter().map(|address| (*address, number));
        self.used.extend(used);
    }

    /// Notes that an IRP is back, and carries nothing any more.
    pub(crate) fn uncarry(&mut self, number: u32) {
        let Some(record) = self.irps.get_mut(&number) else {
            return;
        };
        for address in std::mem::take(&mut record.mdls) {
            if let Some(mdl) = self.mdls.get_mut(&address) {
                mdl.in_flight = None;
            }
        }
        for address in std::mem::take(&mut record.uses) {
            self.used.remove(&(address, number));
        }
    }

    /// Finds an IRP in flight that has its routine's context or a buffer in this memory.
    pub(crate) fn irp_in_flight_with(&self, memory: &Range<usize>) -> Option<u32> {
        self.used
            .range((memory.start, 0)..(memory.end, 0))
            .map(|(_, number)| *number)
            .find(|number| {
                self.irps
                    .get(number)
                    .is_some_and(|record| record.owner == Owner::InFlight)
            })
    }

    /// Returns whether a driver's own IRP (`IoInitializeIrp`) in this memory is in flight.
    pub(crate) fn holds_irp_in_flight(&self, memory: &Range<usize>) -> bool {
        self.numbers.range(memory.clone()).any(|(_, number)| {
            self.irps
                .get(number)
                .is_some_and(|record| record.owner == Owner::InFlight)
        })
    }

    /// Forgets the IRPs of `IoInitializeIrp` in memory that is freed, and returns those in flight.
    pub(crate) fn forget_irps_in(&mut self, memory: &Range<usize>) -> Vec<u32> {
        let mut in_flight = Vec::new();
        for (_, number) in self.numbers.range(memory.clone()) {
            let Some(record) = self.irps.get_mut(number) else {
                continue;
            };
            if record.source == Source::Driver && record.owner != Owner::Freed {
                record.ended_by = Some(this_thread::who());
                record.doomed = record.owner == Owner::InFlight;
                record.owner = Owner::Freed;
                in_flight.extend(record.doomed.then_some(*number));
            }
        }
        in_flight
    }
}
