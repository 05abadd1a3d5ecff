//! Conformance: one script of raw calls to the I/O manager, and the trace it must leave.
//!
//! The script ([`SCENARIOS`]) calls [`wdm_irp::sys`] and nothing else of the library, as three
//! devices on top of each other and an originator above them. Each scenario writes down, line by
//! line, what the callers and the callees see: statuses, `PendingReturned`, the `IO_STATUS_BLOCK`,
//! stack locations and their control bits, the order of dispatch, completion and cancel routines,
//! the states of events.
//!
//! `golden.txt` is the trace that Windows leaves according to its documentation. `tests/host.rs`
//! compares the host model's with it; the driver in `examples/wine-driver` runs the same code in
//! Wine's kernel, where the lines that are listed in `differences.md` must differ, exactly as
//! listed, and no others.
#![no_std]

mod compare;
mod engine;
mod irp;
mod scenarios;
mod script;
mod show;
mod trace;

pub use compare::{Difference, Kernel, Mismatch, compare, differences, golden};
pub use engine::{Devices, Threads, Work, dispatch, run};
pub use scenarios::SCENARIOS;
pub use script::Scenario;
pub use trace::Trace;
