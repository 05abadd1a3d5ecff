//! The atomic of the handshake: core's. Under `cfg(loom)` it is loom's, so that the models in
//! `loom/` can explore every interleaving and every reordering; in any other build nothing is left
//! of the rest.

#[cfg(not(loom))]
pub(crate) use core::sync::atomic::AtomicU32;

/// Has the atomic come into being, before other threads know it.
#[cfg(not(loom))]
#[inline]
pub(crate) fn prepare(_: &AtomicU32) {}

#[cfg(loom)]
pub(crate) use explored::{AtomicU32, prepare};

#[cfg(loom)]
mod explored {
    use core::cell::OnceCell;
    use core::sync::atomic::Ordering;

    use super::memory;
    use crate::sys;

    /// loom's atomic behind a `const` constructor: it comes into being when it is first used.
    ///
    /// Each store of another value than EMPTY, each `fetch_…`, and each exchange that does not
    /// expect EMPTY is an access that [`memory`] watches. Loads are not: only those who keep the
    /// memory make them. In pool memory the host model watches all of them.
    ///
    /// # Invariants
    /// The first use happens before any use by another thread of the model.
    pub(crate) struct AtomicU32 {
        initial: u32,
        inner: OnceCell<loom::sync::atomic::AtomicU32>,
    }

    /// Has the atomic come into being, before other threads know it.
    pub(crate) fn prepare(atomic: &AtomicU32) {
        atomic.inner();
    }

    // SAFETY: all threads of a model run on one thread of the host, and switch at loom's operations
    // only.
    unsafe impl Send for AtomicU32 {}
    // SAFETY: as above.
    unsafe impl Sync for AtomicU32 {}

    impl AtomicU32 {
        pub(crate) const fn new(initial: u32) -> Self {
            Self {
                initial,
                inner: OnceCell::new(),
            }
        }

        fn inner(&self) -> &loom::sync::atomic::AtomicU32 {
            // SAFETY: always safe, as its documentation says; the declaration is foreign.
            unsafe { sys::watched_access(core::ptr::from_ref(self).cast()) };
            self.inner
                .get_or_init(|| loom::sync::atomic::AtomicU32::new(self.initial))
        }

        fn touch(&self) {
            memory::touch(core::ptr::from_ref(self).addr());
        }

        pub(crate) fn load(&self, order: Ordering) -> u32 {
            self.inner().load(order)
        }

        pub(crate) fn store(&self, value: u32, order: Ordering) {
            if value != 0 {
                self.touch();
            }
            self.inner().store(value, order);
        }

        pub(crate) fn fetch_or(&self, bits: u32, order: Ordering) -> u32 {
            self.touch();
            self.inner().fetch_or(bits, order)
        }

        pub(crate) fn fetch_add(&self, value: u32, order: Ordering) -> u32 {
            self.touch();
            self.inner().fetch_add(value, order)
        }

        pub(crate) fn fetch_sub(&self, value: u32, order: Ordering) -> u32 {
            self.touch();
            self.inner().fetch_sub(value, order)
        }

        pub(crate) fn compare_exchange(
            &self,
            current: u32,
            new: u32,
            success: Ordering,
            failure: Ordering,
        ) -> Result<u32, u32> {
            if current != 0 {
                self.touch();
            }
            self.inner()
                .compare_exchange(current, new, success, failure)
        }
    }
}

/// Marks of who may touch the memory of an operation, for the models.
#[cfg(not(loom))]
pub(crate) mod memory {
    /// From now on the completer uses the memory, too.
    #[inline]
    pub(crate) fn lend<T>(_: &T) {}

    /// The memory is its owner's alone again, who may free it.
    #[inline]
    pub(crate) fn take_back<T>(_: &T) {}
}

/// Who may touch the memory of an operation, checked.
///
/// Each access to the event in the host model, and each to the state but loads, is a read of a cell
/// that loom watches; lending the memory and taking it back are writes. So loom fails a model in
/// which an access is not ordered before the reclaiming, even where it happens to come first, and
/// one that comes later panics here.
#[cfg(loom)]
pub mod memory {
    use std::collections::BTreeMap;
    use std::sync::{Arc, Mutex, PoisonError};

    struct Range {
        end: usize,
        lent: bool,
        cell: Arc<loom::cell::UnsafeCell<()>>,
    }

    loom::lazy_static! {
        /// By start address. The lock is the host's: invisible to loom, and never held across one
        /// of its operations.
        static ref RANGES: Mutex<BTreeMap<usize, Range>> = Mutex::new(BTreeMap::new());
    }

    fn with<T>(f: impl FnOnce(&mut BTreeMap<usize, Range>) -> T) -> T {
        f(&mut RANGES.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on the completer uses the memory, too.
    pub(crate) fn lend<T>(value: &T) {
        let start = core::ptr::from_ref(value).addr();
        let end = start + size_of::<T>();
        let cell = with(|ranges| {
            // Whatever else was here is gone: this is a stack, or was freed.
            ranges.retain(|&other, range| other == start || range.end <= start || end <= other);
            let range = ranges.entry(start).or_insert_with(|| Range {
                end,
                lent: true,
                cell: Arc::default(),
            });
            range.lent = true;
            range.cell.clone()
        });
        cell.with_mut(|_| ());
    }

    /// The memory is its owner's alone again, who may free it.
    pub(crate) fn take_back<T>(value: &T) {
        let start = core::ptr::from_ref(value).addr();
        let cell = with(|ranges| {
            ranges.get_mut(&start).map(|range| {
                range.lent = false;
                range.cell.clone()
            })
        });
        if let Some(cell) = cell {
            cell.with_mut(|_| ());
        }
    }

    /// An access by one to whom the memory is lent. Memory that was never lent is not watched.
    ///
    /// # Panics
    /// If the memory has been taken back.
    pub fn touch(address: usize) {
        let found = with(|ranges| {
            ranges
                .range(..=address)
                .next_back()
                .filter(|(_, range)| address < range.end)
                .map(|(_, range)| (range.lent, range.cell.clone()))
        });
        if let Some((lent, cell)) = found {
            assert!(lent, "access to memory that was taken back");
            cell.with(|_| ());
        }
    }
}
