//! Memory that the model hands out and takes back: IRPs, MDLs, objects, pool.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::mem::MaybeUninit;
use std::ops::Range;
use std::ptr::NonNull;

/// The alignment of structures of the kernel, and of small blocks of the pool.
const ALIGNMENT: usize = 16;

/// What memory is filled with that is handed out with undefined contents.
const GARBAGE: u8 = 0xCD;

/// What freed memory and the guard behind an IRP are filled with.
///
/// Bit 0 is clear so that setting it shows.
pub(crate) const POISON: u8 = 0xDC;

/// An allocation of its own, so that Miri and sanitizers see its bounds.
///
/// # Invariants
/// 1. `start` was allocated with `layout`, which is not empty, and is not deallocated yet.
/// 2. Every byte is initialized, but those that [`Memory::scramble`] has last written to.
pub(crate) struct Memory {
    start: NonNull<u8>,
    layout: Layout,
}

// SAFETY: an allocation belongs to no thread, and may be freed on any.
unsafe impl Send for Memory {}
// SAFETY: shared access to this value reads its fields; who accesses the memory behind promises
// that nobody else does.
unsafe impl Sync for Memory {}

impl Memory {
    /// Allocates `size` bytes of zeros, aligned for the structures of the kernel.
    pub(crate) fn zeroed(size: usize) -> Self {
        Self::aligned(size, ALIGNMENT)
    }

    /// Allocates `size` bytes of zeros; the alignment is at least `alignment`, a power of two.
    pub(crate) fn aligned(size: usize, alignment: usize) -> Self {
        let layout = Layout::from_size_align(size.max(1), alignment.max(ALIGNMENT))
            .expect("what the model hands out is small");
        // SAFETY: the size of the layout is at least 1, by the lines above.
        let start = unsafe { alloc_zeroed(layout) };
        let Some(start) = NonNull::new(start) else {
            handle_alloc_error(layout)
        };
        // INVARIANT: 1 and 2 by the allocation above.
        Self { start, layout }
    }

    /// Returns the address of the first byte.
    pub(crate) const fn as_ptr(&self) -> *mut u8 {
        self.start.as_ptr()
    }

    /// Returns the address as that of a structure; the memory is aligned for those of the kernel.
    pub(crate) fn cast<T>(&self) -> *mut T {
        assert!(align_of::<T>() <= self.layout.align());
        self.start.cast().as_ptr()
    }

    /// Returns the size in bytes.
    pub(crate) const fn size(&self) -> usize {
        self.layout.size()
    }

    /// Fills a range of bytes.
    ///
    /// # Safety
    /// Nobody else accesses the bytes during the call.
    pub(crate) unsafe fn fill(&self, range: Range<usize>, byte: u8) {
        assert!(range.start <= range.end && range.end <= self.size());
        // SAFETY: in bounds of the allocation, by the assertion above.
        let start = unsafe { self.as_ptr().add(range.start) };
        // SAFETY: in bounds, by the assertion above; nobody else accesses the bytes, by the
        // caller's contract.
        unsafe { start.write_bytes(byte, range.len()) };
    }

    /// Makes the contents of a range of bytes undefined; under Miri, a read of them is reported.
    ///
    /// # Safety
    /// Nobody else accesses the bytes during the call.
    pub(crate) unsafe fn scramble(&self, range: Range<usize>) {
        assert!(range.start <= range.end && range.end <= self.size());
        if !cfg!(miri) {
            // SAFETY: the contract is the same.
            unsafe { self.fill(range, GARBAGE) };
            return;
        }
        for offset in range {
            // SAFETY: in bounds of the allocation, by the assertion above.
            let byte = unsafe { self.as_ptr().add(offset) };
            // SAFETY: in bounds, as above; nobody else accesses it, by the caller's contract.
            unsafe { byte.cast::<MaybeUninit<u8>>().write(MaybeUninit::uninit()) };
        }
    }

    /// Returns whether every byte of a range has this value.
    ///
    /// # Safety
    /// Nobody writes to the bytes during the call, and none of them was scrambled last.
    pub(crate) unsafe fn is_filled(&self, range: Range<usize>, byte: u8) -> bool {
        assert!(range.start <= range.end && range.end <= self.size());
        // SAFETY: in bounds of the allocation, by the assertion above.
        let start = unsafe { self.as_ptr().add(range.start) };
        // SAFETY: in bounds, by the assertion above, and initialized, since nobody
        // scrambled them last (invariant 2); nobody writes to them, by the caller's contract.
        let bytes = unsafe { std::slice::from_raw_parts(start, range.len()) };
        // By blocks, which is one comparison each in unoptimized builds, too.
        let block = [byte; 64];
        bytes
            .chunks(block.len())
            .all(|chunk| chunk == &block[..chunk.len()])
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout and not deallocated yet (invariant 1).
        unsafe { dealloc(self.as_ptr(), self.layout) };
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_changed_byte_is_seen() {
        let memory = Memory::zeroed(40);
        // SAFETY: allocated by this test, which alone knows the memory.
        unsafe { memory.fill(8..40, POISON) };
        // SAFETY: as above.
        assert!(unsafe { memory.is_filled(0..8, 0) });
        // SAFETY: allocated by this test, which alone knows the memory.
        assert!(unsafe { memory.is_filled(8..40, POISON) });
        // SAFETY: the last of the 40 bytes that were allocated.
        let last = unsafe { memory.as_ptr().add(39) };
        // SAFETY: allocated by this test, which alone knows the memory.
        unsafe { last.write(POISON | 1) };
        // SAFETY: as above.
        assert!(!unsafe { memory.is_filled(8..40, POISON) });
    }

    #[test]
    #[cfg(not(miri))] // There the contents cannot be looked at.
    fn scrambled_memory_is_neither_zero_nor_poison() {
        let memory = Memory::aligned(8, 4096);
        assert_eq!(memory.as_ptr().addr() % 4096, 0);
        // SAFETY: allocated by this test, which alone knows the memory.
        unsafe { memory.scramble(2..8) };
        // SAFETY: as above; only under Miri the bytes are not initialized.
        assert!(unsafe { memory.is_filled(2..8, GARBAGE) });
        // SAFETY: allocated by this test, which alone knows the memory.
        assert!(unsafe { memory.is_filled(0..2, 0) });
    }

    #[test]
    fn dropped_memory_is_allocated_again() {
        let mut addresses = BTreeSet::new();
        let mut fresh = || addresses.insert(Memory::zeroed(1 << 20).as_ptr().addr());
        assert!(!(0..1000).all(|_| fresh()), "it is never given back");
    }
}
