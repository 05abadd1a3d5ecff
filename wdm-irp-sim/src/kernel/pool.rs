//! The ledger's pages about blocks of pool memory.

use crate::memory::{Memory, POISON};

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
