//! The script, by theme.

mod all;
mod cancel;
mod events;
mod invocation;
mod irp;
mod mdls;
mod more_processing;
mod one_driver;
mod parts;
mod several_drivers;
mod status_block;

pub use all::SCENARIOS;
