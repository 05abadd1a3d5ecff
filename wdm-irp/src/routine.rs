//! The completion routine's side: the handle it gets, and the token it owes.

mod callback;
mod completing;
mod signaled;

pub use callback::{CompletionRoutine, SignalIfPended};
pub(crate) use callback::{run, trampoline};
pub use completing::{
    Completing, IsInline, IsPended, MayFinish, MaySignal, NotAsked, PendingReturned,
};
pub use signaled::Signaled;
