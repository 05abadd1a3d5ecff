//! What the models for loom tell the host model; nothing of it is in any other build.

use core::ffi::c_void;

kernel_imports! {
    /// Notes an access to an IRP or to pool memory, which loom orders with the free of it.
    ///
    /// # Safety
    /// Always safe: the function is `unsafe` because its declaration is foreign.
    "wdm_irp_sim_watched_access" fn watched_access(Address: *const c_void);
}
