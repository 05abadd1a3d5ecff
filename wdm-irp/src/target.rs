//! What requests are sent to: a device, and what is held while a request is on its way there.

mod device;
mod hold;
mod opened;
mod pair;
mod reference;
mod shared;

pub use device::TargetDevice;
pub(crate) use device::device_flags;
pub use hold::{Hold, Unlocked};
pub use opened::{DesiredAccess, OpenedDevice, device_name};
pub use pair::DevicePair;
pub use shared::{OwnedTarget, Target};
