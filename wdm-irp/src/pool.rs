//! The library's own memory: nonpaged pool.

use core::ptr::NonNull;

use crate::sys;

/// The tag of every allocation, as pool tools show it.
const TAG: u32 = u32::from_le_bytes(*b"wIrp");

/// What pool memory is aligned to (`MEMORY_ALLOCATION_ALIGNMENT`); an allocation of a page or more
/// is aligned to a page, by the page of `ExAllocatePoolWithTag`.
const ALIGNMENT: usize = 16;
const PAGE_SIZE: usize = 4096;

/// Allocates memory for a `T` from nonpaged pool that is not executable (`ExAllocatePoolWithTag`),
/// or returns `None` if there is none. IRQL <= `DISPATCH_LEVEL`.
///
/// The contents are not initialized. [`free`] frees it.
pub(crate) fn allocate<T>() -> Option<NonNull<T>> {
    const { assert!(size_of::<T>() != 0) };
    let size = if align_of::<T>() <= ALIGNMENT {
        size_of::<T>()
    } else if align_of::<T>() <= PAGE_SIZE {
        size_of::<T>().max(PAGE_SIZE)
    } else {
        return None;
    };
    // SAFETY: the size is not zero, the tag not zero, the IRQL that of all of the library.
    let memory = unsafe { sys::ExAllocatePoolWithTag(sys::NonPagedPoolNx, size, TAG) };
    NonNull::new(memory.cast())
}

/// Frees what [`allocate`] has allocated (`ExFreePoolWithTag`). IRQL <= `DISPATCH_LEVEL`.
///
/// # Safety
/// `memory` came from [`allocate`], and nobody uses it any more.
pub(crate) unsafe fn free<T>(memory: NonNull<T>) {
    // SAFETY: allocated with this tag, and not used any more, by contract.
    unsafe { sys::ExFreePoolWithTag(memory.as_ptr().cast(), TAG) };
}
