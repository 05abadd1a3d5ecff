//! The unsafe edges of the driver.

mod driver;
mod faults;
mod lower;
mod ntoskrnl;
mod runtime;
