//! Programs that try to make the library misbehave from safe code, each named after what it tried.
//!
//! They compile, so the machine's ledger (and Miri) must find nothing. Those that do not compile
//! are in `ui/adversarial`.
#![forbid(unsafe_code)]

mod abandoned;
mod aliasing;
mod buffers;
mod cancellers;
mod common;
mod irql;
mod leaks;
mod lifetimes;
mod locks;
mod pairs;
mod panics;
mod pending;
mod reuse;
mod routines;
mod slots;
mod targets;
mod threads;
