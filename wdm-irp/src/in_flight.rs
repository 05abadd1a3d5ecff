//! A request in flight: its memory, and the handle that answers for it.

mod at_end;
mod boxed;
mod cancellable;
mod explain;
mod handle;
mod lent;
mod originator;
mod scoped;
mod sent;
mod shares;
mod slot;
mod storage;

pub use crate::completed::{NotReusable, Outcome, Reusable};
pub(crate) use at_end::AtEnd;
pub use boxed::BoxedSlot;
pub use cancellable::{CancellableSlot, Canceller};
pub use handle::InFlight;
pub use scoped::{ScopedCanceller, ScopedSlot};
pub use sent::Sent;
pub use slot::Slot;
pub use storage::{OutcomeOf, Storage};
