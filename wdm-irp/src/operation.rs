//! What both sides of a request in flight touch: the event, the state and the context.

mod handshake;
mod loom;
mod shared;

pub(crate) use handshake::{Handshake, cancel_and_wait};
#[cfg(loom)]
#[doc(hidden)]
pub use loom::memory;
pub(crate) use shared::Operation;
