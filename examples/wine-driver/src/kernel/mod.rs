//! The unsafe edges of the driver.

mod answer;
mod cases;
mod conformance;
mod control;
mod devices;
mod driver;
mod elsewhere;
mod faults;
mod lower;
mod ntoskrnl;
mod runtime;
mod standins;
