//! Pool memory: `ExAllocatePoolWithTag` and `ExFreePoolWithTag`.
//!
//! A block has a guard behind it, and is in quarantine when it is freed. The memory is the host's:
//! paged pool is never paged out, only the IRQL of its functions tells it from nonpaged pool.

use std::ffi::c_void;
use std::ops::Range;

use wdm_irp::sys::{APC_LEVEL, DISPATCH_LEVEL, NonPagedPoolNx, PagedPool};

use crate::fault::Allocation;
use crate::ke::dispatcher;
use crate::kernel::irps::Owner;
use crate::kernel::ledger::Ledger;
use crate::kernel::pool::{OVERRUN, PoolRecord};
use crate::kernel::{Kernel, objects, this_thread};
use crate::memory::Memory;
use crate::report::kind::ViolationKind;
use crate::report::names::{irql_name, tag_name};
use crate::sync::{Arc, lock, watched};

const PAGE_SIZE: usize = 4096;

/// `NonPagedPool`, which is executable.
const NON_PAGED_POOL: i32 = 0;

/// Bit of a `POOL_TYPE`: the block begins at a cache line.
const CACHE_ALIGNED: i32 = 4;

/// Bytes of a cache line.
const CACHE_LINE: usize = 64;

/// A block that the ledger has taken back.
struct TakenBack {
    range: Range<usize>,
    is_paged: bool,
    irp: Option<u32>,
    memory: Option<Memory>,
    /// What is wrong with it.
    found: Vec<(ViolationKind, String)>,
}

impl Kernel {
    /// Allocates a block and enters it in the ledger (`ExAllocatePoolWithTag`).
    pub(crate) fn ExAllocatePoolWithTag(
        self: &Arc<Self>,
        pool_type: i32,
        size: usize,
        tag: u32,
    ) -> *mut c_void {
        let irp = this_thread::last_irp(self);
        let kind = pool_type & !CACHE_ALIGNED;
        let is_paged = kind == PagedPool;
        let text = format!("ExAllocatePoolWithTag({size} bytes, tag {})", tag_name(tag));
        if ![NON_PAGED_POOL, PagedPool, NonPagedPoolNx].contains(&kind) || size == 0 || tag == 0 {
            let text = format!("{text} with PoolType {pool_type}");
            self.violate(ViolationKind::PoolBadArgument, irp, &text);
            return std::ptr::null_mut();
        }
        let (highest, violation) = if is_paged {
            (APC_LEVEL, ViolationKind::PagedPoolAllocatedAtBadIrql)
        } else {
            (DISPATCH_LEVEL, ViolationKind::PoolAllocatedAtBadIrql)
        };
        self.check_pool_irql(highest, violation, irp, "ExAllocatePoolWithTag");
        if self.faults.take(Allocation::Pool) {
            self.call(irp, format!("{text} returned NULL"));
            return std::ptr::null_mut();
        }
        let alignment = match pool_type & CACHE_ALIGNED {
            _ if size >= PAGE_SIZE => PAGE_SIZE,
            0 => 1,
            _ => CACHE_LINE,
        };
        let record = PoolRecord::allocate(size, alignment, tag, is_paged, irp);
        let block = record
            .memory
            .as_ref()
            .expect("a new block has memory")
            .as_ptr();
        watched::begin(block.addr()..block.addr() + size);
        objects::insert(block.addr(), self);
        lock(&self.ledger).pool.insert(block.addr(), record);
        self.call(irp, text);
        block.cast()
    }

    /// Frees a block, or records why that is wrong (`ExFreePoolWithTag`).
    pub(crate) fn ExFreePoolWithTag(&self, block: *mut c_void, tag: u32) {
        let address = block.addr();
        // Recorded before the memory goes: another thread may get the address at once.
        let (irp, size) = match lock(&self.ledger).pool.get(&address) {
            Some(record) => (record.irp, record.size),
            None => (None, 0),
        };
        self.call(
            irp,
            format!("ExFreePoolWithTag({size} bytes, tag {})", tag_name(tag)),
        );
        let is_waited_on = dispatcher::is_waited_on_in(&(address..address + size));
        let taken = lock(&self.ledger).take_block(address, tag, is_waited_on);
        let taken = match taken {
            Ok(taken) => taken,
            Err((kind, text)) => {
                self.violate(kind, irp, &format!("ExFreePoolWithTag on {text}"));
                return;
            }
        };
        watched::end(address);
        let (highest, violation) = if taken.is_paged {
            (APC_LEVEL, ViolationKind::PagedPoolFreedAtBadIrql)
        } else {
            (DISPATCH_LEVEL, ViolationKind::PoolFreedAtBadIrql)
        };
        self.check_pool_irql(highest, violation, irp, "ExFreePoolWithTag");
        for (kind, text) in taken.found {
            self.violate(kind, taken.irp, &text);
        }
        self.forget_memory(&taken.range);
        let damaged = taken
            .memory
            .and_then(|memory| lock(&self.ledger).free_memory(memory, None, "pool block"));
        if let Some((irp, text)) = damaged {
            self.violate(ViolationKind::WriteAfterFree, irp, &text);
        }
    }

    fn check_pool_irql(
        &self,
        highest: u8,
        violation: ViolationKind,
        irp: Option<u32>,
        function: &str,
    ) {
        let irql = this_thread::irql();
        if irql > highest {
            let text = format!("{function} at {}_LEVEL", irql_name(irql));
            self.violate(violation, irp, &text);
        }
    }
}

impl Ledger {
    /// Takes a block back; an error says why it is none that can be freed.
    fn take_block(
        &mut self,
        address: usize,
        tag: u32,
        is_waited_on: bool,
    ) -> Result<TakenBack, (ViolationKind, String)> {
        if let Some((_, irp)) = self.irp_at(address)
            && irp.owner != Owner::Freed
            && irp.memory.is_some()
        {
            let text = "an IRP of IoAllocateIrp".to_owned();
            return Err((ViolationKind::IrpFreedAsPool, text));
        }
        if !self.pool.contains_key(&address) {
            let text = match self.block_around(address) {
                Some((start, record)) => format!(
                    "an address {} bytes into a block of {} bytes",
                    address - start,
                    record.size
                ),
                None => "something that is no pool block".to_owned(),
            };
            return Err((ViolationKind::UnknownPoolBlock, text));
        }
        let size = self.pool[&address].size;
        let range = address..address + size;
        let in_flight = self.irp_in_flight_with(&range);
        let holds_irp = self.holds_irp_in_flight(&range);
        let record = self
            .pool
            .get_mut(&address)
            .expect("looked up in the lines above");
        if record.freed {
            let text = "a block that is freed".to_owned();
            return Err((ViolationKind::PoolFreedTwice, text));
        }
        record.freed = true;
        let mut found = Vec::new();
        if record.tag != tag {
            let text = format!(
                "ExFreePoolWithTag with tag {} on a block with tag {}",
                tag_name(tag),
                tag_name(record.tag)
            );
            found.push((ViolationKind::PoolWrongTag, text));
        }
        // SAFETY: the block is the caller's, who frees it, and nobody's behind its end.
        if !unsafe { record.guard_is_intact() } {
            found.push((ViolationKind::PoolOverrun, OVERRUN.to_owned()));
        }
        if in_flight.is_some() {
            let text = "ExFreePoolWithTag on the context or a buffer of an IRP in flight";
            found.push((ViolationKind::PoolFreedInUse, text.to_owned()));
        }
        if is_waited_on {
            let text = "ExFreePoolWithTag on an event that a thread waits on";
            found.push((ViolationKind::PoolFreedInUse, text.to_owned()));
        }
        let irp = in_flight.or(record.irp);
        let is_paged = record.is_paged;
        // Memory that is in use is kept, until the machine ends.
        let memory = if in_flight.is_some() || holds_irp || is_waited_on {
            None
        } else {
            record.memory.take()
        };
        self.events.retain(|event, _| !range.contains(event));
        Ok(TakenBack {
            range,
            is_paged,
            irp,
            memory,
            found,
        })
    }

    /// Finds the block, freed or not, around an address: where the block begins, and its page.
    fn block_around(&self, address: usize) -> Option<(usize, &PoolRecord)> {
        let (start, record) = self.pool.range(..=address).next_back()?;
        (address < start + record.size).then_some((*start, record))
    }
}
