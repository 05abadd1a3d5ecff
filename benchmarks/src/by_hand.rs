//! By hand, on the kernel's functions: what a careful C driver does, in Rust.
//!
//! V1 signals only if `PendingReturned` is set. V2 always signals, as 17 of the 19 routines in
//! Microsoft's driver samples that signal for a waiter do. Both wait only if `IofCallDriver`
//! returned `STATUS_PENDING`. They trust the lower driver to keep the two in step, and themselves
//! to have forgotten nothing.

use core::ffi::c_void;
use core::mem::MaybeUninit;
use core::ptr::{null, null_mut};

use wdm_irp::TargetDevice;
use wdm_irp::sys::irp::{Irp, StackLocation};
use wdm_irp::sys::{
    DEVICE_OBJECT, DO_BUFFERED_IO, DO_DIRECT_IO, Executive, IO_NO_INCREMENT, IRP, IRP_MJ_READ,
    IoAllocateIrp, IoAllocateMdl, IoCancelIrp, IoFreeIrp, IoFreeMdl, IoGetNextIrpStackLocation,
    IoReuseIrp, IoSetCompletionRoutine, IoWriteAccess, IofCallDriver, KEVENT, KeInitializeEvent,
    KeSetEvent, KeWaitForSingleObject, KernelMode, MDL, MmProbeAndLockPages, MmUnlockPages,
    NT_SUCCESS, NTSTATUS, NotificationEvent, PIO_COMPLETION_ROUTINE, STATUS_CANCELLED,
    STATUS_INSUFFICIENT_RESOURCES, STATUS_IO_TIMEOUT, STATUS_MORE_PROCESSING_REQUIRED,
    STATUS_PENDING, STATUS_SUCCESS, STATUS_TIMEOUT,
};

use crate::{Arguments, Outcome, Sector};

/// Signals if `PendingReturned` is set: the completion routine of V1.
///
/// # Safety
/// `irp` is at this routine. `event` is an initialized KEVENT, whose owner waits for it if the IRP
/// has pended.
#[unsafe(export_name = "routine_v1")]
pub(crate) unsafe extern "system" fn signal_if_pended(
    _device: *mut DEVICE_OBJECT,
    irp: *mut IRP,
    event: *mut c_void,
) -> NTSTATUS {
    // SAFETY: the I/O manager lends the IRP to this routine, by contract.
    if unsafe { Irp::new(irp) }.pending_returned() {
        // SAFETY: an initialized event by contract. It stays: the originator waits for it, as the
        // IRP has pended.
        unsafe { KeSetEvent(event.cast(), IO_NO_INCREMENT, 0) };
    }
    STATUS_MORE_PROCESSING_REQUIRED
}

/// Signals always: the completion routine of V2.
///
/// # Safety
/// As for [`signal_if_pended`].
#[unsafe(export_name = "routine_v2")]
pub(crate) unsafe extern "system" fn signal_always(
    _device: *mut DEVICE_OBJECT,
    _irp: *mut IRP,
    event: *mut c_void,
) -> NTSTATUS {
    // SAFETY: an initialized event by contract. It stays: the originator waits for it, or is not
    // back from `IofCallDriver`.
    unsafe { KeSetEvent(event.cast(), IO_NO_INCREMENT, 0) };
    STATUS_MORE_PROCESSING_REQUIRED
}

/// Reads a sector as V1 does, see [`crate::Sender`].
///
/// # Errors
/// The status.
#[unsafe(export_name = "measured_v1_read")]
#[inline(never)]
pub fn read_v1(disk: &TargetDevice, sector: &mut Sector) -> Outcome {
    read(disk, sector, Arguments::FIRST, Some(signal_if_pended))
}

/// Reads a sector as V2 does, see [`crate::Sender`].
///
/// # Errors
/// The status.
#[unsafe(export_name = "measured_v2_read")]
#[inline(never)]
pub fn read_v2(disk: &TargetDevice, sector: &mut Sector) -> Outcome {
    read(disk, sector, Arguments::FIRST, Some(signal_always))
}

/// Reads a sector four times with one IRP as V1 does, see [`crate::Sender`].
///
/// # Errors
/// The status.
#[unsafe(export_name = "measured_v1_read_four")]
#[inline(never)]
pub fn read_four_v1(disk: &TargetDevice, sector: &mut Sector) -> Outcome {
    read_four(disk, sector, Arguments::FIRST, Some(signal_if_pended))
}

/// Reads a sector four times with one IRP as V2 does, see [`crate::Sender`].
///
/// # Errors
/// The status.
#[unsafe(export_name = "measured_v2_read_four")]
#[inline(never)]
pub fn read_four_v2(disk: &TargetDevice, sector: &mut Sector) -> Outcome {
    read_four(disk, sector, Arguments::FIRST, Some(signal_always))
}

/// Does all that is measured of one read, in each caller.
#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "each sender is one function, as the C drivers are"
)]
pub(crate) fn read(
    disk: &TargetDevice,
    sector: &mut Sector,
    arguments: Arguments,
    routine: PIO_COMPLETION_ROUTINE,
) -> Outcome {
    let device = disk.as_ptr();
    let irp = allocate(device)?;
    let mut bytes = 0;
    // SAFETY: just allocated for this device, which is valid.
    let status = unsafe { transfer(device, irp, sector, arguments, routine, &mut bytes) };
    // SAFETY: allocated above, completed or not sent, and not used below.
    unsafe { IoFreeIrp(irp) };
    if NT_SUCCESS(status) {
        Ok(bytes)
    } else {
        Err(status)
    }
}

/// Does all that is measured of four reads, in each caller.
#[inline(always)]
#[expect(clippy::inline_always, reason = "as for `read`")]
pub(crate) fn read_four(
    disk: &TargetDevice,
    sector: &mut Sector,
    arguments: Arguments,
    routine: PIO_COMPLETION_ROUTINE,
) -> Outcome {
    let device = disk.as_ptr();
    let irp = allocate(device)?;
    let mut bytes = 0;
    let mut left = 4;
    let status = loop {
        // SAFETY: allocated for this device, which is valid, and as good as new.
        let status = unsafe { transfer(device, irp, sector, arguments, routine, &mut bytes) };
        left -= 1;
        if !NT_SUCCESS(status) || left == 0 {
            break status;
        }
        // SAFETY: allocated above, completed, and nothing is attached to it.
        unsafe { IoReuseIrp(irp, STATUS_SUCCESS) };
    };
    // SAFETY: allocated above, completed or not sent, and not used below.
    unsafe { IoFreeIrp(irp) };
    if NT_SUCCESS(status) {
        Ok(bytes)
    } else {
        Err(status)
    }
}

/// Allocates an IRP for a device.
#[inline(always)]
#[expect(clippy::inline_always, reason = "as for `read`")]
fn allocate(device: *mut DEVICE_OBJECT) -> Result<*mut IRP, NTSTATUS> {
    // SAFETY: the device of a `TargetDevice` is valid.
    let stack_size = unsafe { (*device).StackSize };
    // SAFETY: a device object has at least one stack location.
    let irp = unsafe { IoAllocateIrp(stack_size, 0) };
    if irp.is_null() {
        return Err(STATUS_INSUFFICIENT_RESOURCES);
    }
    Ok(irp)
}

/// Sends an IRP and waits for it, and adds to `bytes` what it has transferred.
///
/// # Safety
/// `irp` was allocated for `device`, which is valid, is not in flight, and is as `IoAllocateIrp` or
/// `IoReuseIrp` leaves it.
#[inline(always)]
#[expect(clippy::inline_always, reason = "as for `read`")]
unsafe fn transfer(
    device: *mut DEVICE_OBJECT,
    irp: *mut IRP,
    sector: &mut Sector,
    arguments: Arguments,
    routine: PIO_COMPLETION_ROUTINE,
    bytes: &mut usize,
) -> NTSTATUS {
    // SAFETY: this function has the IRP, by contract.
    let fields = unsafe { Irp::new(irp) };
    // SAFETY: the IRP was allocated with a location for `device`.
    let next = unsafe { IoGetNextIrpStackLocation(irp) };
    // SAFETY: the location is this function's as the IRP is. Its arguments are not read here.
    let next = unsafe { StackLocation::new(next) };
    #[expect(clippy::cast_possible_truncation, reason = "IRP_MJ_ codes are bytes")]
    let major_function = IRP_MJ_READ as u8;
    // The byte alone, as in C: `set_function` writes the minor function, too.
    // SAFETY: the location is this function's as the IRP is.
    unsafe { (*next.as_ptr()).MajorFunction = major_function };
    #[expect(clippy::cast_possible_truncation, reason = "512")]
    let length = sector.len() as u32;
    next.set_length(length);
    next.set_byte_offset(arguments.offset);

    let start = sector.as_mut_ptr();
    // SAFETY: the device is valid by contract.
    let flags = unsafe { (*device).Flags };
    if flags & DO_BUFFERED_IO != 0 {
        fields.set_system_buffer(start.cast());
    } else if flags & DO_DIRECT_IO != 0 {
        // SAFETY: start and length are those of the sector; no IRP is named.
        let mdl = unsafe { IoAllocateMdl(start.cast(), length, 0, 0, null_mut()) };
        if mdl.is_null() {
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        // SAFETY: the MDL was just allocated; the sector is exclusively borrowed, so it may be
        // written.
        unsafe { MmProbeAndLockPages(mdl, KernelMode, IoWriteAccess) };
        fields.set_mdl_address(mdl);
    } else {
        fields.set_user_buffer(start.cast());
    }

    let mut event = MaybeUninit::<KEVENT>::uninit();
    // SAFETY: a local variable, on which nobody waits yet.
    unsafe { KeInitializeEvent(event.as_mut_ptr(), NotificationEvent, 0) };
    // SAFETY: this function has the IRP, which has a next location. The routine is a function, and
    // the event stays until this function returns, which is after the IRP is completed.
    unsafe { IoSetCompletionRoutine(irp, routine, event.as_mut_ptr().cast()) };
    // SAFETY: the device is valid by contract; this function has the IRP, and has filled
    // in its next location.
    let returned = unsafe { IofCallDriver(device, irp) };
    let mut timed_out = false;
    if returned == STATUS_PENDING {
        // Relative, in units of 100 ns.
        let timeout = i64::from(arguments.seconds) * -10_000_000;
        // SAFETY: the event was initialized above; the time-out is a local variable. Callers are at
        // PASSIVE_LEVEL.
        let waited = unsafe { wait(event.as_mut_ptr(), &raw const timeout) };
        if waited == STATUS_TIMEOUT {
            timed_out = true;
            // SAFETY: allocated until the caller frees it.
            unsafe { IoCancelIrp(irp) };
            // SAFETY: the event was initialized above; null is no time-out. Callers are at
            // PASSIVE_LEVEL.
            unsafe { wait(event.as_mut_ptr(), null()) };
        }
    }

    // The IRP is completed, and the routine has kept it for this function.
    let status = fields.status();
    let information = fields.information();
    let mdl: *mut MDL = fields.mdl_address();
    if !mdl.is_null() {
        // SAFETY: locked above, and the transfer is over, as the IRP is completed.
        unsafe { MmUnlockPages(mdl) };
        // SAFETY: allocated above, and just unlocked.
        unsafe { IoFreeMdl(mdl) };
    }
    if NT_SUCCESS(status) {
        *bytes += information;
        status
    } else if timed_out && status == STATUS_CANCELLED {
        STATUS_IO_TIMEOUT
    } else {
        status
    }
}

/// Waits for an event.
///
/// # Safety
/// `event` is initialized, `timeout` null or readable; the IRQL is `PASSIVE_LEVEL`.
#[inline]
unsafe fn wait(event: *mut KEVENT, timeout: *const i64) -> NTSTATUS {
    // SAFETY: event, time-out and IRQL by contract.
    unsafe { KeWaitForSingleObject(event.cast(), Executive, KernelMode, 0, timeout) }
}
