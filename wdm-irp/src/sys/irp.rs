//! The fields of an IRP and of its stack locations: every access to one, once.
//!
//! [`Irp`] and [`StackLocation`] are addresses that somebody has vouched for: making one is
//! `unsafe`, using it is not. The library, the host model and the conformance script all read and
//! write IRPs through them.

mod cancel;
mod fields;
mod location;

pub use fields::Irp;
pub use location::StackLocation;
