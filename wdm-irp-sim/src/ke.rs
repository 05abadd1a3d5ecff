//! The kernel: the functions that begin with `Ke`.

pub(crate) mod dispatcher;
pub(crate) mod event;
pub mod irql;
pub(crate) mod wait;
