//! The hazards that are stopped by construction or at run time, on the host model.
//!
//! `hNN_` in the name of a test is the number of its hazard in [the list](../../docs/hazards.md).
//! Hazards that the compiler stops are in `ui/hazards`. Each test ends with the machine's own
//! check: no IRP or MDL leaked, none touched too late, nobody left waiting.
#![forbid(unsafe_code)]

mod abandoned;
mod buffer;
mod canceller;
mod completed;
mod in_flight;
mod irp;
mod irql;
mod operation;
mod pairs;
mod remove_lock;
mod request;
mod reuse;
mod routine;
mod rundown;
mod send;
mod targets;
mod timeout;
