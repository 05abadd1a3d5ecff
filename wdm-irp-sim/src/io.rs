//! The I/O manager: the functions that begin with `Io`.

#![expect(non_snake_case, reason = "DDIs keep their names")]

mod allocate;
mod attached;
pub(crate) mod call_driver;
pub(crate) mod cancel;
pub(crate) mod complete;
mod completion_ex;
pub(crate) mod irp;
pub(crate) mod major;
mod may_send;
pub(crate) mod mdl;
pub(crate) mod open;
pub(crate) mod pending;
mod remove_lock;
mod reuse;
pub(crate) mod routine;
