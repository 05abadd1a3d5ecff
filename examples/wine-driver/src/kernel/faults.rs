//! `IoAllocateIrp` that fails on demand, and a count of the IRPs that are allocated.
//!
//! The kernel has no honest way to make one allocation fail: exhausting its pool would take down
//! the rest of it, and the stack sizes that it would refuse never get there, because wdm-irp
//! refuses them first. So the driver does what Driver Verifier does (low resources simulation, pool
//! tracking): it stands between caller and kernel. The linker takes the import pointer `__imp_…`
//! from the driver where the driver defines it; the calls in wdm-irp are none the wiser, and the
//! real function is found by name at run time.

use core::ffi::c_void;
use core::mem::transmute;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicBool, AtomicIsize, AtomicPtr, Ordering};

use wdm_irp::sys::{IRP, NTSTATUS, STATUS_NOT_SUPPORTED};

use super::ntoskrnl::{MmGetSystemRoutineAddress, with_unicode};

type AllocateIrp = unsafe extern "system" fn(stack_size: i8, charge_quota: u8) -> *mut IRP;
type FreeIrp = unsafe extern "system" fn(irp: *mut IRP);

/// The import pointer behind `wdm_irp::sys::IoAllocateIrp`.
#[used]
#[unsafe(export_name = "__imp_IoAllocateIrp")]
static IMPORTED_ALLOCATE: AllocateIrp = allocate_irp;

/// The import pointer behind `wdm_irp::sys::IoFreeIrp`.
#[used]
#[unsafe(export_name = "__imp_IoFreeIrp")]
static IMPORTED_FREE: FreeIrp = free_irp;

/// The kernel's functions. Null until [`find_functions`] has succeeded.
static KERNEL_ALLOCATE: AtomicPtr<c_void> = AtomicPtr::new(null_mut());
static KERNEL_FREE: AtomicPtr<c_void> = AtomicPtr::new(null_mut());

/// Whether the next allocation fails.
static FAIL_NEXT: AtomicBool = AtomicBool::new(false);
/// How many IRPs are allocated and not freed.
static ALLOCATED: AtomicIsize = AtomicIsize::new(0);

/// Finds the kernel's functions. The driver does not start without them.
pub(super) fn find_functions() -> Result<(), NTSTATUS> {
    for (name, found) in [
        ("IoAllocateIrp", &KERNEL_ALLOCATE),
        ("IoFreeIrp", &KERNEL_FREE),
    ] {
        // SAFETY: `with_unicode` keeps the string for the call, and the caller is `DriverEntry`,
        // which is at PASSIVE_LEVEL.
        let address = with_unicode(&[name], |name| unsafe { MmGetSystemRoutineAddress(name) });
        if address.is_null() {
            return Err(STATUS_NOT_SUPPORTED);
        }
        found.store(address, Ordering::Release);
    }
    Ok(())
}

/// Makes the next `IoAllocateIrp` return null.
pub(super) fn fail_next_allocation() {
    FAIL_NEXT.store(true, Ordering::Release);
}

/// Returns how many IRPs of this driver are allocated and not freed.
pub(super) fn allocated() -> isize {
    ALLOCATED.load(Ordering::Acquire)
}

/// Allocates an IRP, unless it is to fail (`IoAllocateIrp`).
///
/// # Safety
/// `stack_size` is positive.
unsafe extern "system" fn allocate_irp(stack_size: i8, charge_quota: u8) -> *mut IRP {
    if FAIL_NEXT.swap(false, Ordering::AcqRel) {
        return null_mut();
    }
    let kernel = KERNEL_ALLOCATE.load(Ordering::Acquire);
    // SAFETY: `DriverEntry` fails unless `find_functions` has found the kernel's `IoAllocateIrp`,
    // whose type this is; the driver sends requests after that.
    let kernel = unsafe { transmute::<*mut c_void, AllocateIrp>(kernel) };
    // SAFETY: `stack_size` is positive by contract, which is all that the kernel wants.
    let irp = unsafe { kernel(stack_size, charge_quota) };
    if !irp.is_null() {
        ALLOCATED.fetch_add(1, Ordering::AcqRel);
    }
    irp
}

/// Frees an IRP (`IoFreeIrp`).
///
/// # Safety
/// `irp` came from [`allocate_irp`], is not in flight and is not used again.
unsafe extern "system" fn free_irp(irp: *mut IRP) {
    let kernel = KERNEL_FREE.load(Ordering::Acquire);
    // SAFETY: `irp` was allocated by `allocate_irp`, so `find_functions` has found both functions;
    // this is the type of `IoFreeIrp`.
    let kernel = unsafe { transmute::<*mut c_void, FreeIrp>(kernel) };
    // SAFETY: allocated by the kernel's `IoAllocateIrp`, not in flight and not used again, by
    // contract.
    unsafe { kernel(irp) };
    ALLOCATED.fetch_sub(1, Ordering::AcqRel);
}
