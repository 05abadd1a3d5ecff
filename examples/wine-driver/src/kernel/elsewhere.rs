//! A canceller that is used by another thread.

use core::cell::UnsafeCell;
use core::ffi::c_void;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

use wdm_irp::in_flight::Canceller;
use wdm_irp::sys::{DEVICE_OBJECT, KernelMode};

use super::ntoskrnl::{
    DelayedWorkQueue, IO_WORKITEM, IoAllocateWorkItem, IoFreeWorkItem, IoQueueWorkItem,
    KeDelayExecutionThread,
};

/// The canceller on its way to a worker thread.
///
/// # Invariants
/// 1. While `is_queued` is set, `canceller` and `item` are the worker thread's alone; else they are
///    those of the thread that runs the case, of which there is one.
struct Elsewhere {
    is_queued: AtomicBool,
    canceller: UnsafeCell<Option<Canceller>>,
    item: AtomicPtr<IO_WORKITEM>,
}

// SAFETY: one thread at a time uses `canceller` (invariant 1), which any thread may.
unsafe impl Sync for Elsewhere {}

static ELSEWHERE: Elsewhere = Elsewhere {
    is_queued: AtomicBool::new(false),
    canceller: UnsafeCell::new(None),
    item: AtomicPtr::new(null_mut()),
};

/// How long [`join`] waits before it looks again, in units of 100 ns, relative.
static A_MILLISECOND: i64 = -10_000;

/// Has a worker thread cancel a request and drop the canceller. Whether there is one.
///
/// # Safety
/// `device` is a device of this driver; one case runs at a time, and it has joined the last thread.
pub(super) unsafe fn cancel(device: *mut DEVICE_OBJECT, canceller: Canceller) -> bool {
    // SAFETY: the device is valid by contract.
    let item = unsafe { IoAllocateWorkItem(device) };
    if item.is_null() {
        return false;
    }
    ELSEWHERE.item.store(item, Ordering::Relaxed);
    // SAFETY: this thread's (invariant 1), by contract.
    unsafe { *ELSEWHERE.canceller.get() = Some(canceller) };
    // INVARIANT: 1, given to the worker thread.
    ELSEWHERE.is_queued.store(true, Ordering::Release);
    // SAFETY: the item was just allocated and is not queued.
    unsafe { IoQueueWorkItem(item, Some(work), DelayedWorkQueue, null_mut()) };
    true
}

/// Cancels the request.
///
/// # Safety
/// The kernel calls it for the work item of [`cancel`].
unsafe extern "system" fn work(_device: *mut DEVICE_OBJECT, _context: *mut c_void) {
    // SAFETY: this thread's (invariant 1).
    let canceller = unsafe { &mut *ELSEWHERE.canceller.get() }.take();
    if let Some(canceller) = canceller {
        canceller.cancel();
    }
    let item = ELSEWHERE.item.load(Ordering::Relaxed);
    // INVARIANT: 1, given back.
    ELSEWHERE.is_queued.store(false, Ordering::Release);
    // SAFETY: the item of this very routine, which may free it (WDK, "IoFreeWorkItem").
    unsafe { IoFreeWorkItem(item) };
}

/// Waits until the worker thread has dropped the canceller. IRQL = `PASSIVE_LEVEL`.
pub(super) fn join() {
    while ELSEWHERE.is_queued.load(Ordering::Acquire) {
        // SAFETY: a case runs at PASSIVE_LEVEL; the interval is a static variable.
        unsafe { KeDelayExecutionThread(KernelMode, 0, &raw const A_MILLISECOND) };
    }
}
