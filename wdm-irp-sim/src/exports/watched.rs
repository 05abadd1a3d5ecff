//! The function by which the library tells of its own accesses, in models for loom.

use std::ffi::c_void;

use crate::sync::watched;

#[unsafe(export_name = "wdm_irp_sim_watched_access")]
extern "system" fn watched_access(address: *const c_void) {
    watched::share(address.addr());
}
