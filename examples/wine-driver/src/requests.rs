//! What a driver does with wdm-irp, as test cases: no `unsafe`, and nothing but the public API.
//!
//! Each case sends requests to a lower device that treats them in one particular way, and checks
//! what comes back. The cases neither know nor care whether a kernel or the host model is below
//! them.
#![forbid(unsafe_code)]

mod abandoned;
mod below;
mod cases;
mod completion;
mod contract;
mod data;
mod failure;
mod in_flight;
mod irp;
mod opened;
mod outcome;
mod parameters;
mod remove_lock;

pub use below::{Devices, Kernel, STATUS_DATA_ERROR};
pub use cases::{CASES, Case, run};
pub use failure::Failure;
