//! The ledger: a page about each IRP, MDL, pool block and lock.
//!
//! Nothing of it is in the memory that it is about, which may be gone or misused.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use wdm_irp::sys::NTSTATUS;

use crate::kernel::counted::ObjectRecord;
use crate::kernel::irps::{IrpRecord, Owner, Source};
use crate::kernel::locks::{RemoveLockRecord, RundownRecord};
use crate::kernel::pool::PoolRecord;
use crate::kernel::quarantine::{CAPACITY, Quarantine};
use crate::kernel::registrations::Registration;
use crate::memory::Memory;
use crate::report::timeline::Entry;
use crate::report::violation::Violation;
use crate::sync::Arc;

/// The ledger's page about one MDL.
pub(crate) struct MdlRecord {
    pub(crate) memory: Option<Memory>,
    pub(crate) freed: bool,
    pub(crate) locked: bool,
    /// The IRP in flight that carries it.
    pub(crate) in_flight: Option<u32>,
    /// The IRP it was allocated for, or the last one the thread had to do with.
    pub(crate) irp: Option<u32>,
}

/// One finished call of `KeWaitForSingleObject`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Wait {
    /// The IRP it was for.
    pub irp: Option<u32>,
    /// `KernelMode` (0) or `UserMode` (1).
    pub mode: i8,
    /// `Alertable`
    pub alertable: bool,
    /// The time-out in units of 100 ns, relative if negative; `None` forever.
    pub timeout: Option<i64>,
    /// The IRQL of the thread.
    pub irql: u8,
    /// How it ended.
    pub status: NTSTATUS,
}

/// Something that owns handles of its machine, which would live forever if it kept them.
pub(crate) trait Retire: Send + Sync {
    /// Returns the address under which it is known to the process.
    fn address(&self) -> usize;

    /// Forgets whatever owns handles of the machine.
    fn retire(&self);
}

/// Everything that an instance remembers.
#[derive(Default)]
pub(crate) struct Ledger {
    /// The IRP that is, or was last, at an address.
    pub(crate) numbers: BTreeMap<usize, u32>,
    pub(crate) irps: BTreeMap<u32, IrpRecord>,
    pub(crate) next_irp: u32,
    pub(crate) mdls: BTreeMap<usize, MdlRecord>,
    /// The addresses that IRPs in flight use, with their IRPs.
    pub(crate) used: BTreeSet<(usize, u32)>,
    pub(crate) pool: BTreeMap<usize, PoolRecord>,
    /// The IRP to which the event at an address belongs.
    pub(crate) events: BTreeMap<usize, u32>,
    pub(crate) remove_locks: BTreeMap<usize, RemoveLockRecord>,
    pub(crate) rundowns: BTreeMap<usize, RundownRecord>,
    /// Devices and file objects.
    pub(crate) objects: BTreeMap<usize, ObjectRecord>,
    /// The device that is attached to a device, by the address of the lower one.
    pub(crate) attached: BTreeMap<usize, usize>,
    /// What `IoSetCompletionRoutineEx` has allocated, by the context of the routine.
    pub(crate) registrations: BTreeMap<usize, Registration>,
    pub(crate) waits: Vec<Wait>,
    pub(crate) violations: Vec<Violation>,
    pub(crate) entries: VecDeque<Entry>,
    pub(crate) forgotten: usize,
    pub(crate) quarantine: Quarantine,
    freed_order: VecDeque<u32>,
    pub(crate) devices: Vec<Arc<dyn Retire>>,
}

impl Ledger {
    /// Finds the IRP at an address, freed or not.
    pub(crate) fn irp_at(&mut self, address: usize) -> Option<(u32, &mut IrpRecord)> {
        let number = *self.numbers.get(&address)?;
        Some((number, self.irps.get_mut(&number)?))
    }

    /// Enters a new IRP of `IoAllocateIrp`.
    pub(crate) fn add_irp(&mut self, memory: Memory, stack_count: i8, charged: bool) -> u32 {
        let address = memory.as_ptr().addr();
        let source = Source::Allocated { charged };
        self.add(address, Some(memory), source, stack_count)
    }

    /// Enters an IRP in memory of the driver.
    pub(crate) fn add_irp_of_driver(&mut self, address: usize, stack_count: i8) -> u32 {
        self.add(address, None, Source::Driver, stack_count)
    }

    fn add(
        &mut self,
        address: usize,
        memory: Option<Memory>,
        source: Source,
        stack_count: i8,
    ) -> u32 {
        self.next_irp += 1;
        let number = self.next_irp;
        self.numbers.insert(address, number);
        self.irps.insert(
            number,
            IrpRecord {
                address,
                memory,
                source,
                stack_count,
                owner: Owner::Originator,
                sent: false,
                ended_by: None,
                origin_location: 0,
                origin_thread: None,
                walking: false,
                walks: 0,
                calls: 0,
                frames: Vec::new(),
                mdls: Vec::new(),
                uses: Vec::new(),
                cancelling: 0,
                doomed: false,
            },
        );
        number
    }

    /// Removes the page of the IRP that was freed first.
    fn forget_oldest(&mut self) {
        let Some(oldest) = self.freed_order.pop_front() else {
            return;
        };
        let Some(record) = self.irps.remove(&oldest) else {
            return;
        };
        // The address may belong to a later IRP.
        if self.numbers.get(&record.address) == Some(&oldest) {
            self.numbers.remove(&record.address);
        }
    }

    /// Puts freed memory into quarantine; under Miri it is really freed, which needs no poison.
    ///
    /// Returns what comes out of the quarantine damaged.
    pub(crate) fn free_memory(
        &mut self,
        memory: Memory,
        irp: Option<u32>,
        what: &'static str,
    ) -> Option<(Option<u32>, String)> {
        if let Some(number) = irp {
            self.freed_order.push_back(number);
            if self.freed_order.len() > CAPACITY {
                self.forget_oldest();
            }
        }
        if cfg!(miri) {
            return None;
        }
        let old = self.quarantine.add(memory, irp, what)?;
        if old.irp.is_none() {
            self.mdls.remove(&old.address());
            self.pool.remove(&old.address());
            self.objects.remove(&old.address());
        }
        old.damage()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Enters a new IRP.
    fn add(ledger: &mut Ledger) -> (u32, usize) {
        let number = ledger.add_irp(Memory::zeroed(1), 1, false);
        (number, ledger.irps[&number].address)
    }

    #[test]
    #[cfg(not(miri))] // Thousands of IRPs.
    fn the_irp_that_was_freed_first_is_forgotten_first() {
        let mut ledger = Ledger::default();
        let irps: Vec<(u32, usize)> = (0..=CAPACITY).map(|_| add(&mut ledger)).collect();
        for (number, _) in &irps {
            assert!(ledger.irp_at(irps[0].1).is_some());
            let record = ledger.irps.get_mut(number).unwrap();
            let memory = record.memory.take().unwrap();
            assert!(ledger.free_memory(memory, Some(*number), "IRP").is_none());
        }
        assert!(ledger.irp_at(irps[0].1).is_none());
        assert!(ledger.irp_at(irps[1].1).is_some());
        assert_eq!(ledger.irps.len(), CAPACITY);
        assert_eq!(ledger.numbers.len(), CAPACITY);
    }

    #[test]
    fn an_address_that_a_later_irp_has_is_not_forgotten() {
        let mut ledger = Ledger::default();
        let (first, address) = add(&mut ledger);
        let (second, _) = add(&mut ledger);
        ledger.freed_order.push_back(first);
        // The pool hands out the address again.
        ledger.numbers.insert(address, second);
        ledger.forget_oldest();
        assert!(!ledger.irps.contains_key(&first));
        let found = ledger.irp_at(address).map(|(number, _)| number);
        assert_eq!(found, Some(second));
    }
}
