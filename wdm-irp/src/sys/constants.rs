//! The values that drivers and kernel agree on.

pub use windows_sys::Wdk::Foundation::{NonPagedPoolNx, PagedPool};
pub use windows_sys::Wdk::Storage::FileSystem::{DO_BUFFERED_IO, DO_DIRECT_IO};
pub use windows_sys::Wdk::System::SystemServices::{
    IO_TYPE_IRP, IRP_MJ_DEVICE_CONTROL, IRP_MJ_FLUSH_BUFFERS, IRP_MJ_INTERNAL_DEVICE_CONTROL,
    IRP_MJ_PNP, IRP_MJ_POWER, IRP_MJ_READ, IRP_MJ_SHUTDOWN, IRP_MJ_SYSTEM_CONTROL, IRP_MJ_WRITE,
};
pub use windows_sys::Win32::Foundation::{
    STATUS_ACCESS_DENIED, STATUS_CANCELLED, STATUS_DELETE_PENDING, STATUS_DEVICE_BUSY,
    STATUS_DRIVER_INTERNAL_ERROR, STATUS_INSUFFICIENT_RESOURCES, STATUS_INVALID_DEVICE_REQUEST,
    STATUS_INVALID_PARAMETER, STATUS_IO_TIMEOUT, STATUS_MORE_PROCESSING_REQUIRED,
    STATUS_NOT_SUPPORTED, STATUS_OBJECT_NAME_NOT_FOUND, STATUS_PENDING, STATUS_SUCCESS,
    STATUS_TIMEOUT, STATUS_UNSUCCESSFUL,
};

use super::types::{ACCESS_MASK, NTSTATUS};

// The types below are `c_int`-sized enums or `CCHAR`/`BOOLEAN`/`KPROCESSOR_MODE` bytes in the WDK.

/// `IRQL` of ordinary threads.
pub const PASSIVE_LEVEL: u8 = 0;
/// `IRQL` at which asynchronous procedure calls are held back.
pub const APC_LEVEL: u8 = 1;
/// `IRQL` at which the thread may not wait nor touch pageable memory.
pub const DISPATCH_LEVEL: u8 = 2;
/// `IO_STACK_LOCATION.Control`: a driver marked the IRP pending at this location.
pub const SL_PENDING_RETURNED: u8 = 0x01;
/// `IO_STACK_LOCATION.Control`: the location was completed with an error.
pub const SL_ERROR_RETURNED: u8 = 0x02;
/// `IO_STACK_LOCATION.Control`: call the routine when the IRP was cancelled.
pub const SL_INVOKE_ON_CANCEL: u8 = 0x20;
/// `IO_STACK_LOCATION.Control`: call the routine on success.
pub const SL_INVOKE_ON_SUCCESS: u8 = 0x40;
/// `IO_STACK_LOCATION.Control`: call the routine on an error.
pub const SL_INVOKE_ON_ERROR: u8 = 0x80;
/// All three `SL_INVOKE_ON_…` flags.
pub const SL_INVOKE_ALWAYS: u8 = SL_INVOKE_ON_CANCEL | SL_INVOKE_ON_SUCCESS | SL_INVOKE_ON_ERROR;
/// `EVENT_TYPE` of an event that stays signaled.
pub const NotificationEvent: i32 = 0;
/// `KPRIORITY` increment: none for the thread that is woken.
pub const IO_NO_INCREMENT: i32 = 0;
/// `KWAIT_REASON` of a driver's wait.
pub const Executive: i32 = 0;
/// `KPROCESSOR_MODE` of kernel code; also keeps the stack of a waiting thread resident.
pub const KernelMode: i8 = 0;
/// `LOCK_OPERATION`: the device reads the pages.
pub const IoReadAccess: i32 = 0;
/// `LOCK_OPERATION`: the device writes the pages.
pub const IoWriteAccess: i32 = 1;
/// `ACCESS_MASK`: what a device is opened for to send it requests.
pub const FILE_READ_DATA: ACCESS_MASK = 0x1;
/// `ACCESS_MASK`: what a device is opened for to write to it.
pub const FILE_WRITE_DATA: ACCESS_MASK = 0x2;
/// `IRP_MN_QUERY_PNP_DEVICE_STATE`
pub const IRP_MN_QUERY_PNP_DEVICE_STATE: u8 = 0x14;

/// `NT_SUCCESS`: success and informational severities.
#[must_use]
pub const fn NT_SUCCESS(status: NTSTATUS) -> bool {
    status >= 0
}

/// `NT_WARNING`: the severity of a warning.
#[must_use]
pub const fn NT_WARNING(status: NTSTATUS) -> bool {
    status.cast_unsigned() >> 30 == 2
}
