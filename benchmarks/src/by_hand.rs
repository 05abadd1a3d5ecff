//! By hand, on the kernel's functions: what a careful C driver does, in the language of the other sender.
//!
//! V1 signals only if `PendingReturned` is set. V2 always signals, as 17 of the 19 routines in Microsoft's driver samples
//! that signal for a waiter do. Both wait only if `IofCallDriver` returned `STATUS_PENDING`. They trust the lower driver to keep
//! the two in step, and themselves to have forgotten nothing.

use core::ffi::c_void;
use core::mem::MaybeUninit;
use core::ptr::{null, null_mut};

use wdm_irp::TargetDevice;
use wdm_irp::sys::{
    DEVICE_OBJECT, DO_BUFFERED_IO, DO_DIRECT_IO, Executive, IO_NO_INCREMENT, IRP, IRP_MJ_READ,
    IoAllocateIrp, IoAllocateMdl, IoCancelIrp, IoFreeIrp, IoFreeMdl, IoGetNextIrpStackLocation,
    IoSetCompletionRoutine, IoWriteAccess, IofCallDriver, KEVENT, KeInitializeEvent, KeSetEvent,
    KeWaitForSingleObject, KernelMode, MDL, MmProbeAndLockPages, MmUnlockPages, NT_SUCCESS,
    NTSTATUS, NotificationEvent, PARAMETERS_READ, PIO_COMPLETION_ROUTINE, STATUS_CANCELLED,
    STATUS_INSUFFICIENT_RESOURCES, STATUS_IO_TIMEOUT, STATUS_MORE_PROCESSING_REQUIRED,
    STATUS_PENDING, STATUS_TIMEOUT, irp_pending_returned, irp_status, irp_system_buffer,
};

use crate::{Outcome, Sector};

/// Five seconds, relative, in units of 100 ns.
const TIMEOUT: i64 = -5 * 10_000_000;

/// The completion routine of V1.
///
/// # Safety
/// `irp` is at this routine, `event` its initialised KEVENT.
#[unsafe(export_name = "routine_v1")]
unsafe extern "system" fn signal_if_pended(
    _device: *mut DEVICE_OBJECT,
    irp: *mut IRP,
    event: *mut c_void,
) -> NTSTATUS {
    // SAFETY: by contract.
    if unsafe { irp_pending_returned(irp) } {
        // SAFETY: by contract; the originator waits.
        unsafe { KeSetEvent(event.cast(), IO_NO_INCREMENT, 0) };
    }
    STATUS_MORE_PROCESSING_REQUIRED
}

/// The completion routine of V2.
///
/// # Safety
/// As for [`signal_if_pended`].
#[unsafe(export_name = "routine_v2")]
unsafe extern "system" fn signal_always(
    _device: *mut DEVICE_OBJECT,
    _irp: *mut IRP,
    event: *mut c_void,
) -> NTSTATUS {
    // SAFETY: by contract; the originator waits, or is not back from `IofCallDriver`.
    unsafe { KeSetEvent(event.cast(), IO_NO_INCREMENT, 0) };
    STATUS_MORE_PROCESSING_REQUIRED
}

/// V1, see [`crate::Sender`].
///
/// # Errors
/// The status.
#[unsafe(export_name = "measured_v1_read")]
#[inline(never)]
pub fn read_v1(disk: &TargetDevice, sector: &mut Sector) -> Outcome {
    read(disk, sector, Some(signal_if_pended))
}

/// V2, see [`crate::Sender`].
///
/// # Errors
/// The status.
#[unsafe(export_name = "measured_v2_read")]
#[inline(never)]
pub fn read_v2(disk: &TargetDevice, sector: &mut Sector) -> Outcome {
    read(disk, sector, Some(signal_always))
}

#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "each sender is one function, as the C drivers are"
)]
fn read(disk: &TargetDevice, sector: &mut Sector, routine: PIO_COMPLETION_ROUTINE) -> Outcome {
    let device = disk.as_ptr();
    // SAFETY: a `TargetDevice` is a device object.
    let stack_size = unsafe { (*device).StackSize };
    // SAFETY: a device object has a stack of at least one.
    let irp = unsafe { IoAllocateIrp(stack_size, 0) };
    if irp.is_null() {
        return Err(STATUS_INSUFFICIENT_RESOURCES);
    }

    // SAFETY: the IRP is new and has a location for `device`.
    let next = unsafe { IoGetNextIrpStackLocation(irp) };
    #[expect(clippy::cast_possible_truncation, reason = "IRP_MJ_ codes are bytes")]
    let major_function = IRP_MJ_READ as u8;
    // SAFETY: the location is ours.
    unsafe { (*next).MajorFunction = major_function };
    // SAFETY: as above.
    let parameters: *mut PARAMETERS_READ = unsafe { &raw mut (*next).Parameters }.cast();
    #[expect(clippy::cast_possible_truncation, reason = "512")]
    let length = sector.len() as u32;
    // SAFETY: as above; this is the member for a read.
    unsafe { (*parameters).Length.0 = length };
    // SAFETY: as above.
    unsafe { (*parameters).ByteOffset = 0 };

    let start = sector.as_mut_ptr();
    // SAFETY: a `TargetDevice` is a device object.
    let flags = unsafe { (*device).Flags };
    if flags & DO_BUFFERED_IO != 0 {
        // SAFETY: the IRP is ours.
        let cell = unsafe { irp_system_buffer(irp) };
        // SAFETY: as above.
        unsafe { cell.write(start.cast()) };
    } else if flags & DO_DIRECT_IO != 0 {
        // SAFETY: the sector is one buffer.
        let mdl = unsafe { IoAllocateMdl(start.cast(), length, 0, 0, null_mut()) };
        if mdl.is_null() {
            // SAFETY: ours, and not sent.
            unsafe { IoFreeIrp(irp) };
            return Err(STATUS_INSUFFICIENT_RESOURCES);
        }
        // SAFETY: the sector may be written.
        unsafe { MmProbeAndLockPages(mdl, KernelMode, IoWriteAccess) };
        // SAFETY: the IRP is ours.
        unsafe { (*irp).MdlAddress = mdl };
    } else {
        // SAFETY: the IRP is ours.
        unsafe { (*irp).UserBuffer = start.cast() };
    }

    let mut event = MaybeUninit::<KEVENT>::uninit();
    // SAFETY: writable memory that nobody waits on.
    unsafe { KeInitializeEvent(event.as_mut_ptr(), NotificationEvent, 0) };
    // SAFETY: the IRP is ours; the event outlives its flight.
    unsafe { IoSetCompletionRoutine(irp, routine, event.as_mut_ptr().cast()) };
    // SAFETY: the IRP is ours, filled in, and was allocated for the device.
    let returned = unsafe { IofCallDriver(device, irp) };
    let mut timed_out = false;
    if returned == STATUS_PENDING {
        let timeout = TIMEOUT;
        // SAFETY: the event was initialised above.
        let waited = unsafe { wait(event.as_mut_ptr(), &raw const timeout) };
        if waited == STATUS_TIMEOUT {
            timed_out = true;
            // SAFETY: allocated until it is freed below.
            unsafe { IoCancelIrp(irp) };
            // SAFETY: as above.
            unsafe { wait(event.as_mut_ptr(), null()) };
        }
    }

    // SAFETY: completed, and the routine answered MORE_PROCESSING_REQUIRED.
    let status = unsafe { irp_status(irp) };
    // SAFETY: as above.
    let information = unsafe { (*irp).IoStatus.Information };
    // SAFETY: as above.
    let mdl: *mut MDL = unsafe { (*irp).MdlAddress };
    if !mdl.is_null() {
        // SAFETY: locked above, and the transfer is over.
        unsafe { MmUnlockPages(mdl) };
        // SAFETY: allocated above.
        unsafe { IoFreeMdl(mdl) };
    }
    // SAFETY: ours again, and not used below.
    unsafe { IoFreeIrp(irp) };
    if NT_SUCCESS(status) {
        Ok(information)
    } else if timed_out && status == STATUS_CANCELLED {
        Err(STATUS_IO_TIMEOUT)
    } else {
        Err(status)
    }
}

/// # Safety
/// `event` is initialised, `timeout` null or readable; the IRQL is `PASSIVE_LEVEL`.
#[inline]
unsafe fn wait(event: *mut KEVENT, timeout: *const i64) -> NTSTATUS {
    // SAFETY: by contract.
    unsafe { KeWaitForSingleObject(event.cast(), Executive, KernelMode, 0, timeout) }
}
