//! What an originator and its completion routine share, and how they agree on who comes last.

mod handshake;
mod loom;
mod shared;

pub(crate) use handshake::{Handshake, cancel_and_wait};
#[cfg(loom)]
#[doc(hidden)]
pub use loom::memory;
#[cfg(not(loom))]
pub(crate) use loom::memory;
pub(crate) use loom::{AtomicU32, prepare};
pub(crate) use shared::{Callback, Operation};
