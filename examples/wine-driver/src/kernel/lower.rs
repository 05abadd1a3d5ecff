//! The lower devices: one device object for each way in which a lower driver may treat a request.
//!
//! They work on raw IRPs and know nothing of wdm-irp's types, as the drivers below a real one do not.

use core::ffi::c_void;
use core::mem::offset_of;
use core::ptr::{copy_nonoverlapping, null_mut};
use core::slice;

use wdm_irp::sys::{
    DEVICE_OBJECT, DO_BUFFERED_IO, DO_DIRECT_IO, IO_STACK_LOCATION, IRP, IRP_MJ_DEVICE_CONTROL,
    IRP_MJ_INTERNAL_DEVICE_CONTROL, IRP_MJ_READ, IRP_MJ_WRITE, IoAcquireCancelSpinLock,
    IoGetCurrentIrpStackLocation, IoGetNextIrpStackLocation, IoMarkIrpPending,
    IoReleaseCancelSpinLock, IoSetCancelRoutine, IofCallDriver, IofCompleteRequest, KernelMode,
    MDL, NTSTATUS, STATUS_CANCELLED, STATUS_DEVICE_BUSY, STATUS_INSUFFICIENT_RESOURCES,
    STATUS_PENDING, STATUS_SUCCESS, irp_system_buffer, set_irp_status,
};

use super::ntoskrnl::{
    DelayedWorkQueue, IO_WORKITEM, IoAllocateWorkItem, IoFreeWorkItem, IoQueueWorkItem,
    KeDelayExecutionThread, MmCached, MmMapLockedPagesSpecifyCache, NormalPagePriority,
};

/// `STATUS_DATA_ERROR`
const STATUS_DATA_ERROR: NTSTATUS = 0xC000_003E_u32.cast_signed();

/// How long [`Behavior::Slow`] takes, in units of 100 ns, relative.
static SLOW: i64 = -250 * 10_000;

const METHOD_BUFFERED: u32 = 0;
const METHOD_OUT_DIRECT: u32 = 2;
/// Also the mask of the method in a control code.
const METHOD_NEITHER: u32 = 3;

/// `IO_NO_INCREMENT`, as the type of `IofCompleteRequest` wants it.
const NO_BOOST: i8 = 0;

/// What a device does with its requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Behavior {
    /// Completes in the dispatch routine.
    Inline,
    /// Fails in the dispatch routine with `STATUS_DEVICE_BUSY`.
    Busy,
    /// Pends and completes on a worker thread.
    Pend,
    /// As `Pend`, after a while, and cannot be cancelled meanwhile.
    Slow,
    /// Pends until the request is cancelled.
    UntilCancelled,
    /// Hands the request to the device below without a completion routine of its own.
    Forward,
    /// Answers with the bytes of its own stack location.
    Record,
    /// Breaks the contract: marks pending, completes, and returns `STATUS_SUCCESS`.
    MarkAndReturnSuccess,
    /// Breaks the contract: returns `STATUS_SUCCESS` and completes later.
    ReturnSuccessAndComplete,
    /// Belongs to the conformance script.
    Script,
}

/// The device extension of a lower device.
pub(super) struct Extension {
    pub(super) behavior: Behavior,
    /// The device that [`Behavior::Forward`] forwards to.
    pub(super) below: *mut DEVICE_OBJECT,
}

/// The dispatch routine of the lower devices.
///
/// # Safety
/// `device` is a lower device of this driver, whose extension is filled in, and `irp` is at it.
pub(super) unsafe fn dispatch(device: *mut DEVICE_OBJECT, irp: *mut IRP) -> NTSTATUS {
    // SAFETY: the device is valid by contract.
    let extension = unsafe { (*device).DeviceExtension }.cast::<Extension>();
    // SAFETY: the extension is filled in by contract.
    let behavior = unsafe { (*extension).behavior };
    match behavior {
        Behavior::Inline => {
            // SAFETY: by contract.
            let (status, information) = unsafe { transfer(device, irp) };
            // SAFETY: the IRP is at this device and is not used afterwards.
            unsafe { complete(irp, status, information) };
            status
        }
        Behavior::Busy => {
            // SAFETY: as for `Inline`.
            unsafe { complete(irp, STATUS_DEVICE_BUSY, 0) };
            STATUS_DEVICE_BUSY
        }
        Behavior::Pend | Behavior::Slow => {
            // SAFETY: by contract; the routine completes the IRP.
            unsafe { complete_later(device, irp, true) }
        }
        Behavior::ReturnSuccessAndComplete => {
            // SAFETY: as for `Pend`.
            unsafe { complete_later(device, irp, false) };
            STATUS_SUCCESS
        }
        Behavior::MarkAndReturnSuccess => {
            // SAFETY: the IRP is at this device.
            unsafe { IoMarkIrpPending(irp) };
            // SAFETY: by contract.
            let (status, information) = unsafe { transfer(device, irp) };
            // SAFETY: as for `Inline`.
            unsafe { complete(irp, status, information) };
            STATUS_SUCCESS
        }
        // SAFETY: by contract.
        Behavior::UntilCancelled => unsafe { pend_until_cancelled(irp) },
        Behavior::Forward => {
            // SAFETY: the extension is filled in by contract.
            let below = unsafe { (*extension).below };
            // SAFETY: by contract; the device below is there as long as this one.
            unsafe { forward(irp, below) }
        }
        Behavior::Record => {
            // SAFETY: by contract.
            let information = unsafe { record(device, irp) };
            // SAFETY: as for `Inline`.
            unsafe { complete(irp, STATUS_SUCCESS, information) };
            STATUS_SUCCESS
        }
        // SAFETY: by contract; the devices of the script get its requests only.
        Behavior::Script => unsafe { wdm_irp_conformance::dispatch(device, irp) },
    }
}

/// Completes a request.
///
/// # Safety
/// `irp` is at this driver, which does not touch it afterwards.
pub(super) unsafe fn complete(irp: *mut IRP, status: NTSTATUS, information: usize) {
    // SAFETY: the IRP is at this driver by contract.
    unsafe { set_irp_status(irp, status, information) };
    // SAFETY: by contract.
    unsafe { IofCompleteRequest(irp, NO_BOOST) };
}

/// Has a worker thread complete the request.
///
/// A work item and not a thread of the driver's own: it holds a reference to the device object, so that the driver is
/// not unloaded under its last instructions.
///
/// # Safety
/// As for [`dispatch`].
unsafe fn complete_later(device: *mut DEVICE_OBJECT, irp: *mut IRP, mark: bool) -> NTSTATUS {
    // SAFETY: the device is valid by contract.
    let item = unsafe { IoAllocateWorkItem(device) };
    if item.is_null() {
        // SAFETY: the IRP is at this device and is not used afterwards.
        unsafe { complete(irp, STATUS_INSUFFICIENT_RESOURCES, 0) };
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    // SAFETY: the IRP is at this device.
    let cell = unsafe { driver_context(irp) };
    // SAFETY: the cell belongs to the driver that holds the IRP.
    unsafe { cell.write(item) };
    if mark {
        // SAFETY: the IRP is at this device.
        unsafe { IoMarkIrpPending(irp) };
    }
    // SAFETY: the item is new; the routine takes over the item and the IRP.
    unsafe { IoQueueWorkItem(item, Some(work), DelayedWorkQueue, irp.cast()) };
    STATUS_PENDING
}

/// The work item of [`complete_later`].
///
/// # Safety
/// `device` and `irp` are those of [`complete_later`].
unsafe extern "system" fn work(device: *mut DEVICE_OBJECT, irp: *mut c_void) {
    let irp: *mut IRP = irp.cast();
    // SAFETY: the IRP is at this device.
    let cell = unsafe { driver_context(irp) };
    // SAFETY: `complete_later` has stored the item.
    let item = unsafe { cell.read() };
    // SAFETY: the device is valid by contract.
    let extension = unsafe { (*device).DeviceExtension }.cast::<Extension>();
    // SAFETY: as above; the extension is filled in.
    let behavior = unsafe { (*extension).behavior };
    if matches!(
        behavior,
        Behavior::Slow | Behavior::ReturnSuccessAndComplete
    ) {
        // SAFETY: a worker thread runs at PASSIVE_LEVEL; the interval is readable.
        unsafe { KeDelayExecutionThread(KernelMode, 0, &raw const SLOW) };
    }
    // SAFETY: the IRP is at this device.
    let (status, information) = unsafe { transfer(device, irp) };
    // SAFETY: as above, and it is not used afterwards.
    unsafe { complete(irp, status, information) };
    // SAFETY: the item is that of `complete_later`; its routine may free it.
    unsafe { IoFreeWorkItem(item) };
}

/// The first cell of `Irp->Tail.Overlay.DriverContext`.
///
/// # Safety
/// `irp` is valid.
unsafe fn driver_context(irp: *mut IRP) -> *mut *mut IO_WORKITEM {
    const OFFSET: usize = offset_of!(IRP, Tail.Overlay.Anonymous1.Anonymous.DriverContext);
    // SAFETY: in bounds of a valid IRP.
    unsafe { irp.byte_add(OFFSET) }.cast()
}

/// Keeps the request until it is cancelled.
///
/// Under the cancel spin lock: once there is a cancel routine and the lock is free, the IRP may be gone at any time.
///
/// # Safety
/// As for [`dispatch`].
unsafe fn pend_until_cancelled(irp: *mut IRP) -> NTSTATUS {
    let mut irql = 0;
    // SAFETY: the lock is not held: dispatch routines are called without it.
    unsafe { IoAcquireCancelSpinLock(&raw mut irql) };
    // SAFETY: the IRP is at this device.
    let cancelled = unsafe { &raw const (*irp).Cancel }.cast::<u8>();
    // SAFETY: as above. A BOOLEAN is read as the byte that it is.
    let cancelled = unsafe { cancelled.read() } != 0;
    if cancelled {
        // SAFETY: taken above.
        unsafe { IoReleaseCancelSpinLock(irql) };
        // SAFETY: the IRP is at this device and is not used afterwards.
        unsafe { complete(irp, STATUS_CANCELLED, 0) };
        return STATUS_CANCELLED;
    }
    // SAFETY: the IRP is at this device.
    unsafe { IoMarkIrpPending(irp) };
    // SAFETY: as above; the routine is static.
    unsafe { IoSetCancelRoutine(irp, Some(cancel)) };
    // SAFETY: taken above.
    unsafe { IoReleaseCancelSpinLock(irql) };
    STATUS_PENDING
}

/// The cancel routine of [`pend_until_cancelled`].
///
/// # Safety
/// The I/O manager calls it, with the cancel spin lock held.
unsafe extern "system" fn cancel(_device: *mut DEVICE_OBJECT, irp: *mut IRP) {
    // SAFETY: the IRP is at this device.
    let irql = unsafe { (*irp).CancelIrql };
    // SAFETY: the lock is held, and this is the IRQL it was taken at.
    unsafe { IoReleaseCancelSpinLock(irql) };
    // SAFETY: the I/O manager has taken the cancel routine, so this is the only completion.
    unsafe { complete(irp, STATUS_CANCELLED, 0) };
}

/// `IoCopyCurrentIrpStackLocationToNext` and `IoCallDriver`: a filter that is not interested.
///
/// # Safety
/// As for [`dispatch`]; `below` is valid, and the IRP has a stack location for it.
unsafe fn forward(irp: *mut IRP, below: *mut DEVICE_OBJECT) -> NTSTATUS {
    // The macro copies what lies before the completion routine, and clears the control bits.
    const BYTES: usize = offset_of!(IO_STACK_LOCATION, CompletionRoutine);

    // SAFETY: the IRP is at this device.
    let current = unsafe { IoGetCurrentIrpStackLocation(irp) };
    // SAFETY: there is a next location by contract.
    let next = unsafe { IoGetNextIrpStackLocation(irp) };
    // SAFETY: both are locations of this IRP, and not the same one.
    unsafe { copy_nonoverlapping(current.cast::<u8>(), next.cast::<u8>(), BYTES) };
    // SAFETY: a location of this IRP.
    unsafe { (*next).Control = 0 };
    // SAFETY: as above.
    unsafe { (*next).CompletionRoutine = None };
    // SAFETY: by contract. The status is passed on as it is.
    unsafe { IofCallDriver(below, irp) }
}

/// Copies this device's stack location to the output buffer, byte by byte up to the end of its parameters.
///
/// The bytes are counted, not named: this is what a driver compiled from C reads.
///
/// # Safety
/// As for [`dispatch`].
unsafe fn record(device: *mut DEVICE_OBJECT, irp: *mut IRP) -> usize {
    /// Behind `Parameters` (abi/wdm-x64.tsv: it begins at 8 and has four cells of eight bytes).
    const BYTES: usize = 40;
    /// `Parameters.Read.Length` and `Parameters.DeviceIoControl.OutputBufferLength`.
    const LENGTH: usize = 8;

    // SAFETY: the IRP is at this device.
    let location = unsafe { IoGetCurrentIrpStackLocation(irp) };
    // SAFETY: within the location.
    let length = unsafe { location.byte_add(LENGTH) }.cast::<u32>();
    // SAFETY: as above, aligned to eight.
    let length = unsafe { length.read() } as usize;
    // SAFETY: by contract.
    let output = unsafe { data_buffer(device, irp) };
    let bytes = length.min(BYTES);
    if output.is_null() {
        return 0;
    }
    // SAFETY: the sender's buffer has `length` bytes; the location has 72.
    unsafe { copy_nonoverlapping(location.cast(), output, bytes) };
    bytes
}

/// Moves the data of a request.
///
/// A read gets bytes that count up from its offset; a write must bring the same. A device control request gets as much of
/// its input as its output has room for, every bit inverted.
///
/// # Safety
/// As for [`dispatch`].
unsafe fn transfer(device: *mut DEVICE_OBJECT, irp: *mut IRP) -> (NTSTATUS, usize) {
    // SAFETY: the IRP is at this device.
    let location = unsafe { IoGetCurrentIrpStackLocation(irp) };
    // SAFETY: a copy of plain data of a valid location.
    let location = unsafe { location.read() };
    let major = u32::from(location.MajorFunction);
    if major == IRP_MJ_DEVICE_CONTROL || major == IRP_MJ_INTERNAL_DEVICE_CONTROL {
        // SAFETY: by contract.
        return (STATUS_SUCCESS, unsafe { invert(device, irp) });
    }
    if major != IRP_MJ_READ && major != IRP_MJ_WRITE {
        return (STATUS_SUCCESS, 0);
    }
    // SAFETY: this is the member for these requests.
    let parameters = unsafe { location.Parameters.Read };
    let length = parameters.Length.0 as usize;
    // SAFETY: by contract.
    let data = unsafe { data_buffer(device, irp) };
    if data.is_null() {
        return (STATUS_INSUFFICIENT_RESOURCES, 0);
    }
    // SAFETY: the buffer of the request has `length` bytes, and is this device's until the request completes.
    let data = unsafe { slice::from_raw_parts_mut(data, length) };
    let [mut counter, ..] = parameters.ByteOffset.to_le_bytes();
    for byte in data {
        if major == IRP_MJ_READ {
            *byte = counter;
        } else if *byte != counter {
            return (STATUS_DATA_ERROR, 0);
        }
        counter = counter.wrapping_add(1);
    }
    (STATUS_SUCCESS, length)
}

/// [`transfer`] for a device control request: how many bytes it has put into the output.
///
/// # Safety
/// As for [`dispatch`]; the request is a device control request.
unsafe fn invert(device: *mut DEVICE_OBJECT, irp: *mut IRP) -> usize {
    // SAFETY: the IRP is at this device.
    let location = unsafe { IoGetCurrentIrpStackLocation(irp) };
    // SAFETY: a copy of plain data of a valid location.
    let location = unsafe { location.read() };
    // SAFETY: this is the member for this request.
    let parameters = unsafe { location.Parameters.DeviceIoControl };
    let input = if parameters.IoControlCode.0 & METHOD_NEITHER == METHOD_NEITHER {
        parameters.Type3InputBuffer
    } else {
        // SAFETY: the IRP is at this device.
        let cell = unsafe { irp_system_buffer(irp) };
        // SAFETY: a field of a valid IRP.
        unsafe { cell.read() }
    };
    let input: *const u8 = input.cast_const().cast();
    // SAFETY: by contract.
    let output = unsafe { data_buffer(device, irp) };
    if input.is_null() || output.is_null() {
        return 0;
    }
    let (in_length, out_length) = (
        parameters.InputBufferLength.0,
        parameters.OutputBufferLength.0,
    );
    let length = in_length.min(out_length) as usize;
    // No slices: for METHOD_BUFFERED both are the same memory.
    for index in 0..length {
        // SAFETY: within the input.
        let from = unsafe { input.add(index) };
        // SAFETY: as above; the memory is this device's until the request completes.
        let byte = unsafe { from.read() };
        // SAFETY: within the output.
        let to = unsafe { output.add(index) };
        // SAFETY: as for the input.
        unsafe { to.write(!byte) };
    }
    length
}

/// Where the data of a request is, a device control request's output: by transfer method for a device control request, else
/// by the flags of the device.
///
/// # Safety
/// As for [`dispatch`].
unsafe fn data_buffer(device: *mut DEVICE_OBJECT, irp: *mut IRP) -> *mut u8 {
    // SAFETY: the IRP is at this device.
    let location = unsafe { IoGetCurrentIrpStackLocation(irp) };
    // SAFETY: a copy of plain data of a valid location.
    let location = unsafe { location.read() };
    let major = u32::from(location.MajorFunction);
    let method = if major == IRP_MJ_DEVICE_CONTROL || major == IRP_MJ_INTERNAL_DEVICE_CONTROL {
        // SAFETY: this is the member for these requests.
        let parameters = unsafe { location.Parameters.DeviceIoControl };
        parameters.IoControlCode.0 & METHOD_NEITHER
    } else {
        // SAFETY: the device is valid by contract.
        match unsafe { (*device).Flags } & (DO_BUFFERED_IO | DO_DIRECT_IO) {
            DO_BUFFERED_IO => METHOD_BUFFERED,
            DO_DIRECT_IO => METHOD_OUT_DIRECT,
            _ => METHOD_NEITHER,
        }
    };
    match method {
        METHOD_BUFFERED => {
            // SAFETY: the IRP is at this device.
            let cell = unsafe { irp_system_buffer(irp) };
            // SAFETY: a field of a valid IRP.
            unsafe { cell.read() }.cast()
        }
        // SAFETY: the IRP is at this device.
        METHOD_NEITHER => unsafe { (*irp).UserBuffer }.cast(),
        _ => {
            // SAFETY: the IRP is at this device.
            let mdl = unsafe { (*irp).MdlAddress };
            // SAFETY: the sender's MDL, if there is one.
            unsafe { system_address(mdl) }
        }
    }
}

/// `MmGetSystemAddressForMdlSafe`
///
/// # Safety
/// `mdl` is null or a valid MDL.
unsafe fn system_address(mdl: *mut MDL) -> *mut u8 {
    const MDL_MAPPED_TO_SYSTEM_VA: i16 = 1;
    const MDL_SOURCE_IS_NONPAGED_POOL: i16 = 4;

    if mdl.is_null() {
        return null_mut();
    }
    // SAFETY: the MDL is valid by contract.
    let flags = unsafe { (*mdl).MdlFlags };
    if flags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL) != 0 {
        // SAFETY: as above.
        return unsafe { (*mdl).MappedSystemVa }.cast();
    }
    // SAFETY: the sender has locked the pages; a failure is returned as null.
    let mapped = unsafe {
        MmMapLockedPagesSpecifyCache(mdl, KernelMode, MmCached, null_mut(), 0, NormalPagePriority)
    };
    if !mapped.is_null() {
        return mapped.cast();
    }
    // Wine maps nothing. The senders here are this driver, so the buffer is at a system address as it is.
    // SAFETY: the MDL is valid by contract.
    let page = unsafe { (*mdl).StartVa }.cast::<u8>();
    // SAFETY: as above.
    let offset = unsafe { (*mdl).ByteOffset } as usize;
    page.wrapping_add(offset)
}
