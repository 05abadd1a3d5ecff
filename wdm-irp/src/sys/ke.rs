//! The kernel proper: events, waits and the IRQL.

use core::ffi::c_void;

use super::types::{KEVENT, NTSTATUS};

kernel_imports! {
    /// Initializes an event. Any IRQL.
    ///
    /// # Safety
    /// `Event` is writable, resident, and nobody waits on it.
    "wdm_irp_sim_KeInitializeEvent" fn KeInitializeEvent(Event: *mut KEVENT, Type: i32, State: u8);

    /// Signals an event and returns its previous state.
    ///
    /// IRQL <= `DISPATCH_LEVEL` if `Wait` is 0.
    ///
    /// # Safety
    /// `Event` is initialized. Its memory may be gone when the call returns, if a waiter owns it.
    "wdm_irp_sim_KeSetEvent" fn KeSetEvent(Event: *mut KEVENT, Increment: i32, Wait: u8) -> i32;

    /// Waits for a dispatcher object.
    ///
    /// IRQL <= `APC_LEVEL`, or <= `DISPATCH_LEVEL` with a time-out of zero. `Timeout` is in units
    /// of 100 ns, relative if negative; null waits forever.
    ///
    /// # Safety
    /// `Object` is an initialized dispatcher object; `Timeout` is null or readable.
    "wdm_irp_sim_KeWaitForSingleObject" fn KeWaitForSingleObject(
        Object: *mut c_void, WaitReason: i32, WaitMode: i8, Alertable: u8, Timeout: *const i64,
    ) -> NTSTATUS;
}

// On x86_64 the WDK has no import for this: wdm.h reads CR8. ntoskrnl.exe exports the function
// elsewhere.
#[cfg(not(all(feature = "kernel", target_arch = "x86_64")))]
kernel_imports! {
    /// Returns the IRQL of this processor. Any IRQL.
    ///
    /// # Safety
    /// Always safe: the function is `unsafe` because its declaration is foreign.
    "wdm_irp_sim_KeGetCurrentIrql" fn KeGetCurrentIrql() -> u8;
}

/// Returns the IRQL of this processor. Any IRQL.
///
/// # Safety
/// The caller runs in kernel mode.
#[cfg(all(feature = "kernel", target_arch = "x86_64"))]
#[must_use]
#[inline]
pub unsafe fn KeGetCurrentIrql() -> u8 {
    let cr8: u64;
    // SAFETY: reading CR8 has no side effect; the caller is in kernel mode, where it is allowed.
    unsafe {
        core::arch::asm!("mov {}, cr8", out(reg) cr8, options(nomem, nostack, preserves_flags));
    }
    // CR8 holds the task priority in four bits.
    cr8.to_le_bytes()[0]
}
