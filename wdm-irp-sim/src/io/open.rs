//! `IoGetDeviceObjectPointer`.
//!
//! Opening sends the driver no `IRP_MJ_CREATE`, and the end of the file object no `IRP_MJ_CLOSE`.

use wdm_irp::sys::{
    ACCESS_MASK, DEVICE_OBJECT, FILE_OBJECT, NT_SUCCESS, NTSTATUS, PASSIVE_LEVEL,
    STATUS_INSUFFICIENT_RESOURCES, STATUS_OBJECT_NAME_NOT_FOUND, UNICODE_STRING,
};

use crate::fault::Allocation;
use crate::kernel::counted::ObjectRecord;
use crate::kernel::{Kernel, objects};
use crate::memory::Memory;
use crate::report::names::status_name;
use crate::sync::{Arc, lock};

/// `IO_TYPE_FILE`
const IO_TYPE_FILE: i16 = 5;

impl Kernel {
    /// Opens a device by its name (`IoGetDeviceObjectPointer`): a file object with a reference, and
    /// the device on top of the stack.
    pub(crate) fn IoGetDeviceObjectPointer(
        self: &Arc<Self>,
        name: &str,
        access: ACCESS_MASK,
    ) -> Result<(*mut FILE_OBJECT, *mut DEVICE_OBJECT), NTSTATUS> {
        self.check_irql(PASSIVE_LEVEL, None, "IoGetDeviceObjectPointer");
        let opened = self.open(name);
        let status = opened.as_ref().err().copied().unwrap_or_default();
        let text = format!(
            "IoGetDeviceObjectPointer({name}, access 0x{access:X}) returned {}",
            status_name(status)
        );
        self.call(None, text);
        opened
    }

    fn open(
        self: &Arc<Self>,
        name: &str,
    ) -> Result<(*mut FILE_OBJECT, *mut DEVICE_OBJECT), NTSTATUS> {
        let (named, status, top) = {
            let ledger = lock(&self.ledger);
            let (named, status) = ledger
                .device_named(name)
                .ok_or(STATUS_OBJECT_NAME_NOT_FOUND)?;
            (named, status, ledger.top_of(named))
        };
        if !NT_SUCCESS(status) {
            return Err(status);
        }
        if self.faults.take(Allocation::File) {
            return Err(STATUS_INSUFFICIENT_RESOURCES);
        }
        let device = objects::device_at(named).ok_or(STATUS_OBJECT_NAME_NOT_FOUND)?;
        let top = objects::device_at(top).unwrap_or_else(|| device.clone());
        let memory = Memory::zeroed(size_of::<FILE_OBJECT>());
        let file = memory.cast::<FILE_OBJECT>();
        // SAFETY: allocated above with the size of a file object and zeroed, which is a valid one;
        // nobody else knows it yet.
        let fields = unsafe { &mut *file };
        fields.Type = IO_TYPE_FILE;
        fields.Size = i16::try_from(size_of::<FILE_OBJECT>()).expect("a file object is 216 bytes");
        fields.DeviceObject = device.as_ptr();
        objects::insert(file.addr(), self);
        let record = ObjectRecord::file(format!("the file object of {name}").into(), memory, named);
        lock(&self.ledger).objects.insert(file.addr(), record);
        self.hold_object(named);
        Ok((file, top.as_ptr()))
    }
}

/// Returns the text of a string.
///
/// # Safety
/// `string` is valid, and its buffer is readable for its length.
pub(crate) unsafe fn text_of(string: *const UNICODE_STRING) -> String {
    // SAFETY: valid by contract.
    let string = unsafe { &*string };
    if string.Buffer.is_null() {
        return String::new();
    }
    let length = usize::from(string.Length / 2);
    // SAFETY: readable for its length by contract.
    let units = unsafe { std::slice::from_raw_parts(string.Buffer, length) };
    String::from_utf16_lossy(units)
}
