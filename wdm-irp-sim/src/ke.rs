//! The kernel: the functions that begin with `Ke`.

#![expect(non_snake_case, reason = "DDIs keep their names")]

pub(crate) mod dispatcher;
pub(crate) mod event;
pub mod irql;
pub(crate) mod wait;
