//! How a device is to be made.

use wdm_irp::sys::{DO_BUFFERED_IO, DO_DIRECT_IO, NTSTATUS, STATUS_SUCCESS};

use crate::sync::Arc;

/// How to make a device: its name, its I/O method for reads and writes, its stack size.
#[derive(Clone, Debug)]
#[must_use]
pub struct DeviceOptions {
    pub(super) name: Arc<str>,
    pub(super) flags: u32,
    pub(super) stack_size: i8,
    pub(super) object_name: Option<Arc<str>>,
    pub(super) open_status: NTSTATUS,
    pub(super) wants_file_object: bool,
    pub(super) is_own: bool,
}

impl DeviceOptions {
    /// Describes a device with this name in the timeline, buffered I/O, and one stack location.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            flags: DO_BUFFERED_IO,
            stack_size: 1,
            object_name: None,
            open_status: STATUS_SUCCESS,
            wants_file_object: false,
            is_own: false,
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

    /// Sets the name by which `IoGetDeviceObjectPointer` opens the device, for instance
    /// `\Device\Disk0`.
    pub fn object_name(mut self, name: &str) -> Self {
        self.object_name = Some(name.into());
        self
    }

    /// Sets the status with which it fails to open the device, for instance `STATUS_ACCESS_DENIED`.
    pub fn open_status(mut self, status: NTSTATUS) -> Self {
        self.open_status = status;
        self
    }

    /// Reports requests whose stack location has no file object of the device: its driver needs
    /// it, as a file system does.
    pub fn wants_file_object(mut self) -> Self {
        self.wants_file_object = true;
        self
    }

    /// Makes it a device of the test's own driver, the one that allocates IRPs.
    pub fn own(mut self) -> Self {
        self.is_own = true;
        self
    }
}
