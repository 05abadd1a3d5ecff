//! Modeled lower drivers.

pub(crate) mod behavior;
mod data;
pub(crate) mod device;
mod filter;
pub(crate) mod held;
mod hold;
pub(crate) mod lower_irp;
pub(crate) mod options;
mod owned_irp;
pub(crate) mod received;
mod stack;
mod target;
pub(crate) mod when;
