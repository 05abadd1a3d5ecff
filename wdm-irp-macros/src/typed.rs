//! Turns a safe function into a value that implements `CompletionRoutine`.

mod expansion;
mod lifetimes;
mod place;
mod question;
mod signature;

pub(crate) use self::expansion::expand;
