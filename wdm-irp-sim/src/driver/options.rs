//! How a device is to be made.

use wdm_irp::sys::{DO_BUFFERED_IO, DO_DIRECT_IO};

use crate::sync::Arc;

/// How to make a device: its name, its I/O method for reads and writes, its stack size.
#[derive(Clone, Debug)]
#[must_use]
pub struct DeviceOptions {
    pub(super) name: Arc<str>,
    pub(super) flags: u32,
    pub(super) stack_size: i8,
}

impl DeviceOptions {
    /// Describes a device with this name in the timeline, buffered I/O, and one stack location.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            flags: DO_BUFFERED_IO,
            stack_size: 1,
        }
    }

    /// Sets `DO_BUFFERED_IO`, and no other flag.
    pub fn buffered(self) -> Self {
        self.flags(DO_BUFFERED_IO)
    }

    /// Sets `DO_DIRECT_IO`, and no other flag.
    pub fn direct(self) -> Self {
        self.flags(DO_DIRECT_IO)
    }

    /// Clears the flags: the driver gets the address of the caller's buffer.
    pub fn neither(self) -> Self {
        self.flags(0)
    }

    /// Sets `DeviceObject->Flags`.
    pub fn flags(mut self, flags: u32) -> Self {
        self.flags = flags;
        self
    }

    /// Sets `DeviceObject->StackSize`.
    pub fn stack_size(mut self, stack_size: i8) -> Self {
        self.stack_size = stack_size;
        self
    }
}
