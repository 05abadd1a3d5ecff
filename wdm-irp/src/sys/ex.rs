//! The executive: pool memory and run-down protection.

use core::ffi::c_void;

use super::types::EX_RUNDOWN_REF;

kernel_imports! {
    /// Allocates pool memory, whose contents are undefined, or returns null.
    ///
    /// The memory is aligned to 16 bytes, and to a page if it is at least a page long. IRQL <=
    /// `DISPATCH_LEVEL`, or <= `APC_LEVEL` for paged pool.
    ///
    /// # Safety
    /// `PoolType` is one of the WDK's, and neither `NumberOfBytes` nor `Tag` is zero.
    "wdm_irp_sim_ExAllocatePoolWithTag" fn ExAllocatePoolWithTag(
        PoolType: i32, NumberOfBytes: usize, Tag: u32,
    ) -> *mut c_void;

    /// Frees pool memory. IRQL <= `DISPATCH_LEVEL`, or <= `APC_LEVEL` for paged pool.
    ///
    /// # Safety
    /// `P` came from [`ExAllocatePoolWithTag`] with the same tag, and is not used again.
    "wdm_irp_sim_ExFreePoolWithTag" fn ExFreePoolWithTag(P: *mut c_void, Tag: u32);

    /// Initializes run-down protection. IRQL <= `APC_LEVEL`.
    ///
    /// # Safety
    /// `RunRef` is writable, and nobody else uses it.
    "wdm_irp_sim_ExInitializeRundownProtection" fn ExInitializeRundownProtection(RunRef: *mut EX_RUNDOWN_REF);

    /// Allows run-down protection to be acquired again. IRQL <= `APC_LEVEL`.
    ///
    /// # Safety
    /// `RunRef` is initialized and run down: [`ExWaitForRundownProtectionRelease`] has returned.
    "wdm_irp_sim_ExReInitializeRundownProtection" fn ExReInitializeRundownProtection(RunRef: *mut EX_RUNDOWN_REF);

    /// Acquires run-down protection; 0 if the run-down has begun. IRQL <= `DISPATCH_LEVEL` if
    /// `RunRef` is resident.
    ///
    /// # Safety
    /// `RunRef` is initialized.
    "wdm_irp_sim_ExAcquireRundownProtection" fn ExAcquireRundownProtection(RunRef: *mut EX_RUNDOWN_REF) -> u8;

    /// Releases run-down protection. IRQL <= `DISPATCH_LEVEL` if `RunRef` is resident.
    ///
    /// # Safety
    /// The caller has acquired it by [`ExAcquireRundownProtection`]. The memory may be gone when
    /// the call returns, if the thread that waits for it frees it.
    "wdm_irp_sim_ExReleaseRundownProtection" fn ExReleaseRundownProtection(RunRef: *mut EX_RUNDOWN_REF);

    /// Refuses further acquisitions, and waits until the present ones are released. IRQL <=
    /// `APC_LEVEL`.
    ///
    /// # Safety
    /// `RunRef` is initialized, and no other thread waits for it.
    "wdm_irp_sim_ExWaitForRundownProtectionRelease" fn ExWaitForRundownProtectionRelease(RunRef: *mut EX_RUNDOWN_REF);

    /// Notes that the run-down is complete. IRQL <= `APC_LEVEL`.
    ///
    /// # Safety
    /// [`ExWaitForRundownProtectionRelease`] has returned for `RunRef`.
    "wdm_irp_sim_ExRundownCompleted" fn ExRundownCompleted(RunRef: *mut EX_RUNDOWN_REF);
}
