//! Modelled lower drivers.

pub(crate) mod behavior;
mod data;
pub(crate) mod device;
mod filter;
mod held;
pub(crate) mod lower_irp;
pub(crate) mod received;
pub(crate) mod when;
