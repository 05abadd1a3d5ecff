//! The structures that drivers and kernel share, and the types of the routines they call in each
//! other.
//!
//! They come from windows-sys where its layout is the WDK's. [`IO_STACK_LOCATION`],
//! [`PIO_COMPLETION_ROUTINE`] and [`IO_REMOVE_LOCK`] are declared here, because windows-sys 0.61
//! has them wrong: its `Parameters` union lacks `POINTER_ALIGNMENT`, its routine type has no
//! parameters, and its `BOOLEAN` is a `bool`, which may hold no byte but 0 and 1. For the same
//! reason no reference to a [`FILE_OBJECT`] may be made: a driver reads its `DeviceObject`, if
//! anything.

use core::ffi::c_void;

pub use windows_sys::Wdk::Foundation::{
    DEVICE_OBJECT, DISPATCHER_HEADER, DRIVER_OBJECT, FILE_OBJECT, IRP, KEVENT, MDL,
};
pub use windows_sys::Wdk::System::SystemServices::EX_RUNDOWN_REF;
pub use windows_sys::Win32::Foundation::{NTSTATUS, UNICODE_STRING};
pub use windows_sys::Win32::System::IO::IO_STATUS_BLOCK;

/// A device object, as the WDK's prototypes name it.
pub type PDEVICE_OBJECT = *mut DEVICE_OBJECT;

/// What an object is opened for.
pub type ACCESS_MASK = u32;

/// An IRP, as the WDK's prototypes name it.
pub type PIRP = *mut IRP;

/// Untyped memory, as the WDK's prototypes name it.
pub type PVOID = *mut c_void;

/// `IO_COMPLETION_ROUTINE *`: called at IRQL <= `DISPATCH_LEVEL`, on any thread.
///
/// `Irp` is `*mut IRP`; the WDK annotates `DeviceObject` and `Context` as optional.
pub type PIO_COMPLETION_ROUTINE = Option<
    unsafe extern "system" fn(
        DeviceObject: *mut DEVICE_OBJECT,
        Irp: *mut IRP,
        Context: *mut c_void,
    ) -> NTSTATUS,
>;

/// `DRIVER_CANCEL *`: called with the cancel spin lock held, which it must release.
pub type PDRIVER_CANCEL =
    Option<unsafe extern "system" fn(DeviceObject: *mut DEVICE_OBJECT, Irp: *mut IRP)>;

/// `DRIVER_DISPATCH *`: a driver's entry in `DRIVER_OBJECT.MajorFunction`.
pub type PDRIVER_DISPATCH =
    Option<unsafe extern "system" fn(DeviceObject: *mut DEVICE_OBJECT, Irp: *mut IRP) -> NTSTATUS>;

/// Counts the operations on a device that keep it from being removed; the free build's, as drivers
/// are compiled with.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct IO_REMOVE_LOCK {
    /// All there is of it in the free build.
    pub Common: IO_REMOVE_LOCK_COMMON_BLOCK,
}

/// The part of a remove lock that checked builds have as well.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct IO_REMOVE_LOCK_COMMON_BLOCK {
    /// `BOOLEAN`: acquisitions are refused.
    pub Removed: u8,
    /// Of the kernel.
    pub Reserved: [u8; 3],
    /// How often the lock is held.
    pub IoCount: i32,
    /// Signaled by the release that ends the wait for the removal.
    pub RemoveEvent: KEVENT,
}

/// One driver's share of an IRP.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct IO_STACK_LOCATION {
    /// `IRP_MJ_…`
    pub MajorFunction: u8,
    /// `IRP_MN_…`
    pub MinorFunction: u8,
    /// `SL_…` flags that depend on the major function.
    pub Flags: u8,
    /// `SL_PENDING_RETURNED`, `SL_INVOKE_ON_…`
    pub Control: u8,
    /// The arguments of the request, by major function.
    pub Parameters: IO_STACK_LOCATION_Parameters,
    /// The device this location is for; the I/O manager sets it in `IofCallDriver`.
    pub DeviceObject: *mut DEVICE_OBJECT,
    /// The open file, if the request is about one.
    pub FileObject: *mut FILE_OBJECT,
    /// The routine of the driver *above*, called when the driver of this location completes the
    /// IRP.
    pub CompletionRoutine: PIO_COMPLETION_ROUTINE,
    /// Handed to `CompletionRoutine`.
    pub Context: *mut c_void,
}

/// The arguments of a request: four pointer-sized cells, read by major function.
#[repr(C)]
#[derive(Clone, Copy)]
pub union IO_STACK_LOCATION_Parameters {
    /// `IRP_MJ_READ` and, identically, `IRP_MJ_WRITE`.
    pub Read: PARAMETERS_READ,
    /// `IRP_MJ_DEVICE_CONTROL` and `IRP_MJ_INTERNAL_DEVICE_CONTROL`.
    pub DeviceIoControl: PARAMETERS_DEVICE_IO_CONTROL,
    /// Any other request.
    pub Others: PARAMETERS_OTHERS,
}

/// `Parameters.Read` and `Parameters.Write`; `ULONG POINTER_ALIGNMENT` is a `u32` in a cell of
/// eight bytes.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct PARAMETERS_READ {
    /// Bytes to transfer.
    pub Length: PointerAligned,
    /// For byte-range locks.
    pub Key: PointerAligned,
    /// Where the transfer begins.
    pub ByteOffset: i64,
}

/// `Parameters.DeviceIoControl`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct PARAMETERS_DEVICE_IO_CONTROL {
    /// Bytes of the output buffer.
    pub OutputBufferLength: PointerAligned,
    /// Bytes of the input buffer.
    pub InputBufferLength: PointerAligned,
    /// The control code.
    pub IoControlCode: PointerAligned,
    /// The input buffer of a `METHOD_NEITHER` request.
    pub Type3InputBuffer: *mut c_void,
}

/// `Parameters.Others`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct PARAMETERS_OTHERS {
    /// First cell.
    pub Argument1: *mut c_void,
    /// Second cell.
    pub Argument2: *mut c_void,
    /// Third cell.
    pub Argument3: *mut c_void,
    /// Fourth cell.
    pub Argument4: *mut c_void,
}

/// A `ULONG POINTER_ALIGNMENT`: four bytes that begin at a multiple of eight.
#[repr(C, align(8))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PointerAligned(pub u32);
