//! The executive: run-down protection.

use super::types::EX_RUNDOWN_REF;

kernel_imports! {
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
