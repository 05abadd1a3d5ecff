//! Freed memory, kept and poisoned to notice later use.

use std::collections::VecDeque;

use crate::memory::{Memory, POISON};

/// How many freed IRPs and MDLs are kept.
pub(super) const CAPACITY: usize = 4096;

/// Freed memory, the oldest first.
#[derive(Default)]
pub(crate) struct Quarantine(VecDeque<Quarantined>);

/// The memory of one freed IRP or MDL.
///
/// # Invariants
/// `memory` was given back by its owner, and filled with [`POISON`] then.
pub(super) struct Quarantined {
    memory: Memory,
    pub(super) irp: Option<u32>,
    what: &'static str,
}

impl Quarantine {
    /// Keeps freed memory, poisoned; what has been kept longest comes out if there is no room.
    pub(super) fn add(
        &mut self,
        memory: Memory,
        irp: Option<u32>,
        what: &'static str,
    ) -> Option<Quarantined> {
        // SAFETY: the owner of the memory has given it back, so nobody else accesses it.
        unsafe { memory.fill(0..memory.size(), POISON) };
        // INVARIANT: given back by its owner, and filled in the line above.
        self.0.push_back(Quarantined { memory, irp, what });
        if self.0.len() <= CAPACITY {
            return None;
        }
        self.0.pop_front()
    }

    /// Gives everything back, and returns for what is damaged its IRP and a sentence.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = (Option<u32>, String)> {
        self.0.drain(..).filter_map(|old| old.damage())
    }
}

impl Quarantined {
    /// Returns the address of the memory.
    pub(super) fn address(&self) -> usize {
        self.memory.as_ptr().addr()
    }

    /// Looks for writes after the memory was freed, and returns its IRP and a sentence.
    pub(super) fn damage(&self) -> Option<(Option<u32>, String)> {
        // SAFETY: nobody owns the memory (by the invariant), so nobody may write to it; a driver
        // that does is what this looks for.
        let intact = unsafe { self.memory.is_filled(0..self.memory.size(), POISON) };
        (!intact).then(|| {
            (
                self.irp,
                format!("the memory of the freed {} was written to", self.what),
            )
        })
    }
}
