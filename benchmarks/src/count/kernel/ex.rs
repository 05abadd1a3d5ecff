//! `Ex`: pool, which is the host's heap.

use core::ffi::c_void;
use core::hint::black_box;
use std::alloc::{Layout, alloc, dealloc};

/// An allocation: its size, then what was asked for, both aligned as pool is.
#[repr(C, align(16))]
struct Header(usize);

/// Returns the layout of an allocation with its header.
fn layout(bytes: usize) -> Layout {
    Layout::from_size_align(size_of::<Header>() + bytes, align_of::<Header>()).expect("small")
}

#[unsafe(export_name = "wdm_irp_sim_ExAllocatePoolWithTag")]
#[inline(never)]
unsafe extern "system" fn allocate(pool_type: i32, bytes: usize, tag: u32) -> *mut c_void {
    let (_, bytes, _) = black_box((pool_type, bytes, tag));
    // SAFETY: the size is not zero, as there is a header.
    let memory: *mut Header = unsafe { alloc(layout(bytes)) }.cast();
    if memory.is_null() {
        return black_box(memory.cast());
    }
    // SAFETY: the header is in bounds and aligned.
    unsafe { memory.write(Header(bytes)) };
    // SAFETY: in bounds, as there is a header.
    black_box(unsafe { memory.add(1) }.cast())
}

#[unsafe(export_name = "wdm_irp_sim_ExFreePoolWithTag")]
#[inline(never)]
unsafe extern "system" fn free(memory: *mut c_void, tag: u32) {
    // SAFETY: the caller gives back what `allocate` has returned, by contract.
    let memory = unsafe { black_box((memory, tag)).0.cast::<Header>().sub(1) };
    // SAFETY: `allocate` has written the size there.
    let Header(bytes) = unsafe { memory.read() };
    // SAFETY: allocated with this layout.
    unsafe { dealloc(memory.cast(), layout(bytes)) };
}
