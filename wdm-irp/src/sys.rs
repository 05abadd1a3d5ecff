//! The WDM types, constants and functions that this library stands on, under their WDM names.
//!
//! Everything above this module is the same on every build. Here alone the feature `kernel` chooses
//! who answers: `ntoskrnl.exe`, or the host model in the crate `wdm-irp-sim`, which implements the
//! same functions as `wdm_irp_sim_…` symbols. The target does not choose: driver authors run
//! `cargo test` on Windows too, and a test binary that imports `ntoskrnl.exe` does not start.
//!
//! Functions stand in a file of their prefix, `ex`, `io`, `ke`, `mm` or `ob`; [`irp`] has the
//! fields of IRPs. Each size, offset and constant is asserted, see [`LAYOUT`].
//!
//! The module is public for the edges of a driver, which are unsafe anyway: dispatch routines,
//! `DriverEntry`, lower drivers in tests. Pointers of wdk-sys cross by `.cast()`.
#![allow(
    non_snake_case,
    non_camel_case_types,
    non_upper_case_globals,
    reason = "everything keeps the name under which the WDK documents it"
)]

// First, for its macro.
#[macro_use]
mod imports;

mod constants;
mod ex;
mod io;
pub mod irp;
mod ke;
mod layout;
mod mm;
mod ob;
mod types;
#[cfg(loom)]
mod watched;

pub use constants::*;
pub use ex::*;
pub use imports::KERNEL;
pub use io::*;
pub use ke::*;
pub use layout::LAYOUT;
pub use mm::*;
pub use ob::*;
pub use types::*;
#[cfg(loom)]
pub use watched::*;
