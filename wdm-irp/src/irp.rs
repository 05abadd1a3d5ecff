//! An IRP that this driver has allocated and nobody else has.

mod allocated;
mod for_target;

pub(crate) use allocated::Allocated;
pub use for_target::Irp;
