//! Who uses memory that the kernel hands out, and who takes it back: accesses that loom checks.
//!
//! Using an IRP or a block of pool memory is a read of a cell that loom watches; freeing it, or
//! making an IRP fresh, is a write. So a model fails in which a use is not ordered before the free,
//! even where it happens to come first. In any other build nothing is left of this.

#[cfg(not(loom))]
pub(crate) use self::unwatched::{begin, end, exclude, share};

#[cfg(loom)]
pub(crate) use self::explored::{begin, end, exclude, share};

#[cfg(not(loom))]
mod unwatched {
    use std::ops::Range;

    /// Watches memory from now on.
    pub(crate) fn begin(_: Range<usize>) {}

    /// Notes an access that others may make, too.
    pub(crate) fn share(_: usize) {}

    /// Notes an access that must be the only one.
    pub(crate) fn exclude(_: usize) {}

    /// Notes the last access: the memory is freed.
    pub(crate) fn end(_: usize) {}
}

#[cfg(loom)]
mod explored {
    use std::collections::BTreeMap;
    use std::ops::Range;
    use std::sync::{Arc, Mutex, PoisonError};

    struct Watched {
        end: usize,
        freed: bool,
        cell: Arc<loom::cell::UnsafeCell<()>>,
    }

    loom::lazy_static! {
        /// By start address. The lock is the host's: invisible to loom, and never held across one
        /// of its operations.
        static ref WATCHED: Mutex<BTreeMap<usize, Watched>> = Mutex::new(BTreeMap::new());
    }

    fn with<T>(f: impl FnOnce(&mut BTreeMap<usize, Watched>) -> T) -> T {
        f(&mut WATCHED.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Watches memory from now on.
    pub(crate) fn begin(memory: Range<usize>) {
        let watched = Watched {
            end: memory.end,
            freed: false,
            cell: Arc::default(),
        };
        with(|all| all.insert(memory.start, watched));
    }

    /// Finds the cell of the memory around an address. Memory that was never watched has none.
    fn cell(address: usize) -> Option<Arc<loom::cell::UnsafeCell<()>>> {
        let (freed, cell) = with(|all| {
            let (_, watched) = all.range(..=address).next_back()?;
            (address < watched.end).then(|| (watched.freed, watched.cell.clone()))
        })?;
        assert!(!freed, "access to memory that is freed");
        Some(cell)
    }

    /// Notes an access that others may make, too.
    ///
    /// # Panics
    /// If the memory is freed.
    pub(crate) fn share(address: usize) {
        if let Some(cell) = cell(address) {
            cell.with(|_| ());
        }
    }

    /// Notes an access that must be the only one.
    ///
    /// # Panics
    /// If the memory is freed.
    pub(crate) fn exclude(address: usize) {
        if let Some(cell) = cell(address) {
            cell.with_mut(|_| ());
        }
    }

    /// Notes the last access: the memory is freed.
    ///
    /// # Panics
    /// If the memory is freed already.
    pub(crate) fn end(address: usize) {
        exclude(address);
        with(|all| {
            if let Some(watched) = all.get_mut(&address) {
                watched.freed = true;
            }
        });
    }
}
