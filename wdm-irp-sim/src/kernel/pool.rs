//! The ledger's pages about blocks of pool memory.

use crate::kernel::Kernel;
use crate::kernel::ledger::Ledger;
use crate::kernel::record::Found;
use crate::memory::{Memory, POISON};
use crate::report::kind::ViolationKind;
use crate::report::names::tag_name;
use crate::sync::lock;

/// Bytes behind a block that nobody may touch.
///
/// Miri needs none: it knows where an allocation ends.
const GUARD: usize = if cfg!(miri) { 0 } else { 16 };

/// The report of a write behind a block.
pub(crate) const OVERRUN: &str = "memory behind the end of a pool block was written to";

/// The ledger's page about one block of pool memory.
///
/// # Invariants
/// `memory` is `size` bytes and the guard, which was filled with [`POISON`].
pub(crate) struct PoolRecord {
    pub(crate) memory: Option<Memory>,
    pub(crate) size: usize,
    pub(crate) tag: u32,
    pub(crate) is_paged: bool,
    pub(crate) freed: bool,
    /// The IRP that the thread had to do with last when it allocated the block.
    pub(crate) irp: Option<u32>,
}

impl PoolRecord {
    /// Allocates a block, whose contents are undefined.
    pub(crate) fn allocate(
        size: usize,
        alignment: usize,
        tag: u32,
        is_paged: bool,
        irp: Option<u32>,
    ) -> Self {
        let memory = Memory::aligned(size + GUARD, alignment);
        // SAFETY: the memory was allocated above, and nobody else knows it.
        unsafe { memory.scramble(0..size) };
        // SAFETY: as above.
        unsafe { memory.fill(size..size + GUARD, POISON) };
        // INVARIANT: by the lines above.
        Self {
            memory: Some(memory),
            size,
            tag,
            is_paged,
            freed: false,
            irp,
        }
    }

    /// Returns whether nobody has written behind the block.
    ///
    /// # Safety
    /// Nobody writes behind the block during the call.
    pub(crate) unsafe fn guard_is_intact(&self) -> bool {
        let range = self.size..self.size + GUARD;
        self.memory.as_ref().is_none_or(|memory| {
            // SAFETY: filled by `allocate` (by the invariant); nobody writes to it during the call,
            // by contract.
            unsafe { memory.is_filled(range, POISON) }
        })
    }
}

impl Ledger {
    /// Finds the block, freed or not, around an address: where the block begins, and its page.
    pub(crate) fn block_around(&self, address: usize) -> Option<(usize, &PoolRecord)> {
        let (start, record) = self.pool.range(..=address).next_back()?;
        (address < start + record.size).then_some((*start, record))
    }
}

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
}
