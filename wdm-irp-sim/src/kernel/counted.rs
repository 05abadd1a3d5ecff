//! The ledger's pages about objects that are counted: devices and file objects.

use wdm_irp::sys::NTSTATUS;

use crate::memory::Memory;
use crate::sync::Arc;

/// The ledger's page about one object.
pub(crate) struct ObjectRecord {
    /// What it is called in reports.
    pub(crate) name: Arc<str>,
    /// The references that drivers have.
    pub(crate) references: usize,
    /// The references that the kernel has: for a registered routine, for an open file.
    pub(crate) held: usize,
    /// Whether the reference of its creation is gone: `IoDeleteDevice` was called, or it is a file.
    pub(crate) deleted: bool,
    /// Whether no reference is left at all.
    pub(crate) gone: bool,
    pub(crate) kind: ObjectKind,
}

/// What an object is.
pub(crate) enum ObjectKind {
    Device {
        /// The name that it is opened by, and the status of opening it.
        opened_by: Option<(Arc<str>, NTSTATUS)>,
    },
    File {
        memory: Option<Memory>,
        device: usize,
    },
}

impl ObjectRecord {
    /// Describes a device that was just created.
    pub(crate) fn device(name: Arc<str>, opened_by: Option<(Arc<str>, NTSTATUS)>) -> Self {
        Self {
            name,
            references: 0,
            held: 0,
            deleted: false,
            gone: false,
            kind: ObjectKind::Device { opened_by },
        }
    }

    /// Describes a file object that was just opened, with one reference.
    pub(crate) fn file(name: Arc<str>, memory: Memory, device: usize) -> Self {
        let memory = Some(memory);
        Self {
            name,
            references: 1,
            held: 0,
            deleted: true,
            gone: false,
            kind: ObjectKind::File { memory, device },
        }
    }

    /// Returns how many references there are.
    pub(crate) fn count(&self) -> usize {
        self.references + self.held + usize::from(!self.deleted)
    }
}
