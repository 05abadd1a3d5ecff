//! The unsafe edges of the driver.

mod conformance;
mod driver;
mod faults;
mod lower;
mod ntoskrnl;
mod runtime;
