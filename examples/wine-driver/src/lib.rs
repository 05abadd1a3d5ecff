//! A WDM driver on wdm-irp's public API which tests itself in the kernel that loads it.
//!
//! * [`requests`]: what a driver author writes with wdm-irp, as test cases. No `unsafe`, no
//!   knowledge of the kernel: the same cases run in a kernel (`cargo xtask wine`) and against
//!   the host model (`tests/host.rs`).
//! * `kernel` (feature `kernel`): the edges at which every driver is unsafe (entry and unload,
//!   device objects, dispatch routines, the image's runtime), and the lower devices that answer the
//!   requests.
#![no_std]

mod codes;
#[cfg(all(feature = "kernel", windows))]
mod kernel;
#[cfg(all(feature = "kernel", windows))]
mod protocol;
pub mod requests;
