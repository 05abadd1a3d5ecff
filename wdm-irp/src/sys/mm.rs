//! The memory manager: pages that an MDL describes.

use super::types::MDL;

kernel_imports! {
    /// Makes the pages of an MDL resident and locks them.
    ///
    /// Raises an exception if the memory is not accessible. IRQL <= `APC_LEVEL`, or <=
    /// `DISPATCH_LEVEL` for memory that is not pageable.
    ///
    /// # Safety
    /// `MemoryDescriptorList` describes memory that `AccessMode` may access as `Operation` says.
    "wdm_irp_sim_MmProbeAndLockPages" fn MmProbeAndLockPages(
        MemoryDescriptorList: *mut MDL, AccessMode: i8, Operation: i32,
    );

    /// Unlocks the pages of an MDL. IRQL <= `DISPATCH_LEVEL`.
    ///
    /// # Safety
    /// The pages were locked by [`MmProbeAndLockPages`], and no device transfers to or from them.
    "wdm_irp_sim_MmUnlockPages" fn MmUnlockPages(MemoryDescriptorList: *mut MDL);
}
