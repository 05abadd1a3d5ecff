//! A request in flight: its memory, and the handle that answers for it.

#[cfg(feature = "alloc")]
mod boxed;
mod handle;
mod reclaim;
mod slot;

pub use crate::completed::Outcome;
#[cfg(feature = "alloc")]
pub use boxed::BoxedSlot;
pub use handle::{InFlight, Sent};
pub(crate) use reclaim::free_completed;
pub use slot::{Slot, Storage};
