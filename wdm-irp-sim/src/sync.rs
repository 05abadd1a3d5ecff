//! The locks, waits and threads of the model.
//!
//! They are in one place, where loom's replace the host's under `cfg(loom)`, for the models in
//! `wdm-irp/loom`: see `loom`.

#[cfg(not(loom))]
pub(crate) mod dispatcher;
mod locking;
#[cfg(loom)]
#[macro_use]
mod loom;
pub(crate) mod watched;

pub(crate) use std::sync::{Arc, OnceLock, Weak};
pub(crate) use std::time::{Duration, Instant};

pub(crate) use locking::{lock, wait, wait_for};

#[cfg(loom)]
pub(crate) use self::loom::{Condvar, Mutex, dispatcher, thread};
#[cfg(not(loom))]
pub(crate) use std::{
    sync::{Condvar, Mutex},
    thread,
};
