//! What a test holds: a machine, and handles of it.

mod close;
pub(crate) mod handle;
mod instance;
mod threads;

pub use instance::Machine;
