//! Freed memory, kept and poisoned to notice later use.

use crate::memory::{Memory, POISON};

/// Freed IRPs and MDLs that are kept, poisoned, to notice later use.
pub(super) const QUARANTINE: usize = 4096;

pub(crate) struct Quarantined {
    pub(super) memory: Memory,
    pub(super) address: usize,
    pub(super) irp: Option<u32>,
    pub(super) what: &'static str,
}

impl Quarantined {
    pub(crate) fn damage(&self) -> Option<(Option<u32>, String)> {
        // SAFETY: nobody owns the memory, so nobody may write to it; a driver that does is what this looks for.
        let intact = unsafe { self.memory.is_filled(0..self.memory.size(), POISON) };
        (!intact).then(|| {
            (
                self.irp,
                format!("the memory of the freed {} was written to", self.what),
            )
        })
    }
}
