//! The lower devices: one device object for each way in which a lower driver may treat a request.
//!
//! They work on raw IRPs. Like the drivers below a real one, they know nothing of wdm-irp's types.

mod complete;
mod dispatch;
mod extension;
mod pend;
mod request;
mod transfer;

pub(super) use complete::complete;
pub(super) use dispatch::dispatch;
pub(super) use extension::{Behavior, Extension};
