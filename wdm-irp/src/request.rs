//! What is asked of the target: a kind of request, its arguments, its buffer.

mod device_control;
mod explain;
mod flush_shutdown;
mod pnp;
mod raw;
mod read_write;
mod state;
mod transfer;

pub use device_control::{Buffered, Control, ControlCode, InDirect, Method, Neither, OutDirect};
pub use flush_shutdown::NoTransfer;
pub use pnp::PnpMinor;
pub use raw::{Raw, RawRequest};
pub use read_write::{ByteOffset, Read, Write};
pub(crate) use state::Entered;
pub use state::Request;
pub(crate) use transfer::release_mdl;
pub use transfer::{Fields, Transfer};
