//! What a driver needs of the kernel beside wdm-irp: devices, work items, the compiler's calls.
#![allow(
    non_snake_case,
    non_camel_case_types,
    non_upper_case_globals,
    reason = "everything keeps the name under which the WDK documents it"
)]

use core::ffi::c_void;

use wdm_irp::sys::{DEVICE_OBJECT, DRIVER_OBJECT, MDL, NTSTATUS};

/// `UNICODE_STRING`
#[repr(C)]
pub(super) struct UNICODE_STRING {
    /// Bytes in use.
    Length: u16,
    /// Bytes there are.
    MaximumLength: u16,
    /// UTF-16.
    Buffer: *mut u16,
}

/// Calls `with` with the concatenation of `parts`, which must be short.
pub(super) fn with_unicode<R>(parts: &[&str], with: impl FnOnce(*const UNICODE_STRING) -> R) -> R {
    let mut buffer = [0; 64];
    let mut bytes = 0;
    let units = parts.iter().flat_map(|part| part.encode_utf16());
    for (to, from) in buffer.iter_mut().zip(units) {
        *to = from;
        bytes += 2;
    }
    let string = UNICODE_STRING {
        Length: bytes,
        MaximumLength: bytes,
        Buffer: buffer.as_mut_ptr(),
    };
    with(&raw const string)
}

/// `IO_WORKITEM`, which the kernel keeps to itself.
#[repr(C)]
pub(super) struct IO_WORKITEM {
    opaque: [u8; 0],
}

/// `IO_WORKITEM_ROUTINE *`
pub(super) type PIO_WORKITEM_ROUTINE =
    Option<unsafe extern "system" fn(DeviceObject: *mut DEVICE_OBJECT, Context: *mut c_void)>;

pub(super) const FILE_DEVICE_UNKNOWN: u32 = 0x22;
pub(super) const FILE_DEVICE_SECURE_OPEN: u32 = 0x100;
pub(super) const IRP_MJ_CREATE: u32 = 0;
pub(super) const IRP_MJ_CLOSE: u32 = 2;
/// `WORK_QUEUE_TYPE`
pub(super) const DelayedWorkQueue: i32 = 1;
/// `MEMORY_CACHING_TYPE`
pub(super) const MmCached: i32 = 1;
pub(super) const NormalPagePriority: u32 = 16;
/// For a driver that ends the system itself.
pub(super) const MANUALLY_INITIATED_CRASH1: u32 = 0xDEAD_DEAD;

// Declared here and not taken from windows-sys: the image must name ntoskrnl.exe only, and
// windows-sys binds several functions that the kernel exports to ntdll.dll.
#[link(name = "ntoskrnl.exe", kind = "raw-dylib", modifiers = "+verbatim")]
unsafe extern "system" {
    pub(super) fn IoCreateDevice(
        DriverObject: *mut DRIVER_OBJECT,
        DeviceExtensionSize: u32,
        DeviceName: *const UNICODE_STRING,
        DeviceType: u32,
        DeviceCharacteristics: u32,
        Exclusive: u8,
        DeviceObject: *mut *mut DEVICE_OBJECT,
    ) -> NTSTATUS;
    pub(super) fn IoDeleteDevice(DeviceObject: *mut DEVICE_OBJECT);
    pub(super) fn IoCreateSymbolicLink(
        SymbolicLinkName: *const UNICODE_STRING,
        DeviceName: *const UNICODE_STRING,
    ) -> NTSTATUS;
    pub(super) fn IoDeleteSymbolicLink(SymbolicLinkName: *const UNICODE_STRING) -> NTSTATUS;
    pub(super) fn IoAllocateWorkItem(DeviceObject: *mut DEVICE_OBJECT) -> *mut IO_WORKITEM;
    pub(super) fn IoQueueWorkItem(
        IoWorkItem: *mut IO_WORKITEM,
        WorkerRoutine: PIO_WORKITEM_ROUTINE,
        QueueType: i32,
        Context: *mut c_void,
    );
    pub(super) fn IoFreeWorkItem(IoWorkItem: *mut IO_WORKITEM);
    pub(super) fn KeDelayExecutionThread(
        WaitMode: i8,
        Alertable: u8,
        Interval: *const i64,
    ) -> NTSTATUS;
    pub(super) fn KeBugCheckEx(
        BugCheckCode: u32,
        BugCheckParameter1: usize,
        BugCheckParameter2: usize,
        BugCheckParameter3: usize,
        BugCheckParameter4: usize,
    ) -> !;
    pub(super) fn MmGetSystemRoutineAddress(
        SystemRoutineName: *const UNICODE_STRING,
    ) -> *mut c_void;
    pub(super) fn MmMapLockedPagesSpecifyCache(
        MemoryDescriptorList: *mut MDL,
        AccessMode: i8,
        CacheType: i32,
        RequestedAddress: *mut c_void,
        BugCheckOnFailure: u32,
        Priority: u32,
    ) -> *mut c_void;
}

// Declaring them makes rustc write the imports that answer the compiler's own calls.
#[expect(dead_code, reason = "nobody calls them by name")]
#[link(name = "ntoskrnl.exe", kind = "raw-dylib", modifiers = "+verbatim")]
unsafe extern "C" {
    fn memcpy(destination: *mut c_void, source: *const c_void, bytes: usize) -> *mut c_void;
    fn memmove(destination: *mut c_void, source: *const c_void, bytes: usize) -> *mut c_void;
    fn memset(destination: *mut c_void, value: i32, bytes: usize) -> *mut c_void;
    fn memcmp(left: *const c_void, right: *const c_void, bytes: usize) -> i32;
    fn __chkstk();
}
