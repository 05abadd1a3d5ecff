//! The I/O manager: functions that it exports, and those that wdm.h defines inline.

use core::ffi::c_void;

use super::constants::SL_INVOKE_ALWAYS;
use super::irp::{self, StackLocation};
use super::types::{
    ACCESS_MASK, DEVICE_OBJECT, FILE_OBJECT, IO_REMOVE_LOCK, IO_STACK_LOCATION, IRP, MDL, NTSTATUS,
    PDRIVER_CANCEL, PIO_COMPLETION_ROUTINE, UNICODE_STRING,
};

kernel_imports! {
    /// Allocates an IRP with `StackSize` stack locations, or returns null.
    ///
    /// IRQL <= `DISPATCH_LEVEL`.
    ///
    /// # Safety
    /// `StackSize` is positive.
    "wdm_irp_sim_IoAllocateIrp" fn IoAllocateIrp(StackSize: i8, ChargeQuota: u8) -> *mut IRP;

    /// Frees an IRP of [`IoAllocateIrp`]. IRQL <= `DISPATCH_LEVEL`.
    ///
    /// # Safety
    /// `Irp` came from [`IoAllocateIrp`], is not in flight and is not used again.
    "wdm_irp_sim_IoFreeIrp" fn IoFreeIrp(Irp: *mut IRP);

    /// Makes an IRP as [`IoAllocateIrp`] does, but for `AllocationFlags`, and sets its status.
    ///
    /// Its own stack location, routines, MDLs, buffers, event and `Cancel` are gone. IRQL <=
    /// `DISPATCH_LEVEL`.
    ///
    /// # Safety
    /// `Irp` came from [`IoAllocateIrp`] or was initialized by [`IoInitializeIrp`], and is not in
    /// flight; no call of [`IoCancelIrp`] is working on it.
    "wdm_irp_sim_IoReuseIrp" fn IoReuseIrp(Irp: *mut IRP, Status: NTSTATUS);

    /// Makes an IRP of memory of the driver's own. IRQL <= `DISPATCH_LEVEL`.
    ///
    /// # Safety
    /// `Irp` is writable for `PacketSize` bytes, which is at least what an IRP with `StackSize`
    /// stack locations takes; it is aligned to 16 bytes, and was not allocated by
    /// [`IoAllocateIrp`]. An IRP that was there before is not in flight.
    "wdm_irp_sim_IoInitializeIrp" fn IoInitializeIrp(Irp: *mut IRP, PacketSize: u16, StackSize: i8);

    /// Hands the IRP to the driver of `DeviceObject` (`IoCallDriver`).
    ///
    /// The IRQL depends on the request.
    ///
    /// # Safety
    /// `DeviceObject` is valid, `Irp` is the caller's, and its next stack location is filled in.
    "wdm_irp_sim_IofCallDriver" fn IofCallDriver(DeviceObject: *mut DEVICE_OBJECT, Irp: *mut IRP) -> NTSTATUS;

    /// Completes the IRP: runs the completion routines, upwards (`IoCompleteRequest`).
    ///
    /// IRQL <= `DISPATCH_LEVEL`.
    ///
    /// # Safety
    /// `Irp` is at a driver that has not completed it before; that driver does not touch it
    /// afterwards.
    "wdm_irp_sim_IofCompleteRequest" fn IofCompleteRequest(Irp: *mut IRP, PriorityBoost: i8);

    /// Marks the IRP cancelled and calls its cancel routine, if it has one.
    ///
    /// IRQL <= `DISPATCH_LEVEL`.
    ///
    /// # Safety
    /// `Irp` is allocated for the whole call.
    "wdm_irp_sim_IoCancelIrp" fn IoCancelIrp(Irp: *mut IRP) -> u8;

    /// Registers a completion routine like `IoSetCompletionRoutine`, and keeps the driver loaded
    /// until the routine has returned: `STATUS_SUCCESS`, or `STATUS_INSUFFICIENT_RESOURCES`.
    ///
    /// IRQL <= `DISPATCH_LEVEL`.
    ///
    /// # Safety
    /// `DeviceObject` is a device of the calling driver. `Irp` is the caller's, has a next stack
    /// location, and is sent after a success: the registration is released when the routine has
    /// run. `CompletionRoutine` and `Context` stay valid until then.
    "wdm_irp_sim_IoSetCompletionRoutineEx" fn IoSetCompletionRoutineEx(
        DeviceObject: *mut DEVICE_OBJECT, Irp: *mut IRP, CompletionRoutine: PIO_COMPLETION_ROUTINE,
        Context: *mut c_void, InvokeOnSuccess: u8, InvokeOnError: u8, InvokeOnCancel: u8,
    ) -> NTSTATUS;

    /// Returns the device on top of the stack of `DeviceObject`, with a reference to it.
    ///
    /// IRQL <= `DISPATCH_LEVEL`.
    ///
    /// # Safety
    /// `DeviceObject` is valid. The caller dereferences the device that is returned.
    "wdm_irp_sim_IoGetAttachedDeviceReference" fn IoGetAttachedDeviceReference(
        DeviceObject: *mut DEVICE_OBJECT,
    ) -> *mut DEVICE_OBJECT;

    /// Opens a device by its name: stores a file object, with a reference to it, and the device on
    /// top of the named one's stack. IRQL = `PASSIVE_LEVEL`.
    ///
    /// The device has no reference of its own: it stays as long as the file object does. Requests
    /// to it carry the file object in their stack location.
    ///
    /// # Safety
    /// `ObjectName` is valid; `FileObject` and `DeviceObject` are writable. After a success the
    /// caller dereferences the file object.
    "wdm_irp_sim_IoGetDeviceObjectPointer" fn IoGetDeviceObjectPointer(
        ObjectName: *mut UNICODE_STRING, DesiredAccess: ACCESS_MASK,
        FileObject: *mut *mut FILE_OBJECT, DeviceObject: *mut *mut DEVICE_OBJECT,
    ) -> NTSTATUS;

    /// Takes the system-wide cancel spin lock, raising the IRQL to `DISPATCH_LEVEL`.
    ///
    /// # Safety
    /// `Irql` is writable; the lock is not held by this processor.
    "wdm_irp_sim_IoAcquireCancelSpinLock" fn IoAcquireCancelSpinLock(Irql: *mut u8);

    /// Releases the cancel spin lock.
    ///
    /// # Safety
    /// The lock is held by this processor and `Irql` is what was stored when it was taken.
    "wdm_irp_sim_IoReleaseCancelSpinLock" fn IoReleaseCancelSpinLock(Irql: u8);

    /// Allocates an MDL that describes a buffer, or returns null. IRQL <= `DISPATCH_LEVEL`.
    ///
    /// # Safety
    /// `VirtualAddress` and `Length` describe one buffer; `Irp` is null or valid.
    "wdm_irp_sim_IoAllocateMdl" fn IoAllocateMdl(
        VirtualAddress: *mut c_void, Length: u32, SecondaryBuffer: u8, ChargeQuota: u8, Irp: *mut IRP,
    ) -> *mut MDL;

    /// Frees an MDL. IRQL <= `DISPATCH_LEVEL`.
    ///
    /// # Safety
    /// `Mdl` came from [`IoAllocateMdl`] and its pages are not locked.
    "wdm_irp_sim_IoFreeMdl" fn IoFreeMdl(Mdl: *mut MDL);

    /// Initializes a remove lock (`IoInitializeRemoveLock`). IRQL = `PASSIVE_LEVEL`.
    ///
    /// # Safety
    /// `Lock` is writable, resident, was never initialized before, and does not move from now on.
    /// `AllocateTag` is not zero; `RemlockSize` is the size of [`IO_REMOVE_LOCK`].
    "wdm_irp_sim_IoInitializeRemoveLockEx" fn IoInitializeRemoveLockEx(
        Lock: *mut IO_REMOVE_LOCK, AllocateTag: u32, MaxLockedMinutes: u32, HighWatermark: u32, RemlockSize: u32,
    );

    /// Acquires a remove lock (`IoAcquireRemoveLock`): `STATUS_SUCCESS`, or `STATUS_DELETE_PENDING`
    /// once [`IoReleaseRemoveLockAndWaitEx`] has been called. IRQL <= `DISPATCH_LEVEL`.
    ///
    /// # Safety
    /// `RemoveLock` is initialized; `File` is a string that ends with a zero; `RemlockSize` is the
    /// size of [`IO_REMOVE_LOCK`].
    "wdm_irp_sim_IoAcquireRemoveLockEx" fn IoAcquireRemoveLockEx(
        RemoveLock: *mut IO_REMOVE_LOCK, Tag: *mut c_void, File: *const u8, Line: u32, RemlockSize: u32,
    ) -> NTSTATUS;

    /// Releases one acquisition of a remove lock (`IoReleaseRemoveLock`). IRQL <=
    /// `DISPATCH_LEVEL`.
    ///
    /// # Safety
    /// `RemoveLock` is acquired with `Tag`. Its memory may be gone when the call returns, if the
    /// thread that waits for it frees it. `RemlockSize` is the size of [`IO_REMOVE_LOCK`].
    "wdm_irp_sim_IoReleaseRemoveLockEx" fn IoReleaseRemoveLockEx(
        RemoveLock: *mut IO_REMOVE_LOCK, Tag: *mut c_void, RemlockSize: u32,
    );

    /// Releases one acquisition of a remove lock, and waits until all others are released
    /// (`IoReleaseRemoveLockAndWait`). IRQL = `PASSIVE_LEVEL`.
    ///
    /// # Safety
    /// `RemoveLock` is acquired with `Tag`, and this is the only call for it. `RemlockSize` is the
    /// size of [`IO_REMOVE_LOCK`].
    "wdm_irp_sim_IoReleaseRemoveLockAndWaitEx" fn IoReleaseRemoveLockAndWaitEx(
        RemoveLock: *mut IO_REMOVE_LOCK, Tag: *mut c_void, RemlockSize: u32,
    );
}

/// Returns the current stack location: `IoGetCurrentIrpStackLocation`.
///
/// # Safety
/// `Irp` is valid and at the caller. Without a current location the result is one past the array.
#[must_use]
#[inline]
pub unsafe fn IoGetCurrentIrpStackLocation(Irp: *mut IRP) -> *mut IO_STACK_LOCATION {
    // SAFETY: `Irp` is valid and the caller's for this call by contract.
    unsafe { irp::Irp::new(Irp) }.current_stack_location()
}

/// Returns the next lower stack location: `IoGetNextIrpStackLocation`.
///
/// # Safety
/// `Irp` is valid and at the caller, and its current location is not the lowest.
#[must_use]
#[inline]
pub unsafe fn IoGetNextIrpStackLocation(Irp: *mut IRP) -> *mut IO_STACK_LOCATION {
    // SAFETY: `Irp` is valid by contract.
    let current = unsafe { IoGetCurrentIrpStackLocation(Irp) };
    // SAFETY: there is a lower location by contract; locations are an array, which is used
    // downwards.
    unsafe { current.sub(1) }
}

/// Makes the next location the current one: `IoSetNextIrpStackLocation`.
///
/// # Safety
/// `Irp` is the caller's, and its current location is not the lowest.
#[inline]
pub unsafe fn IoSetNextIrpStackLocation(Irp: *mut IRP) {
    // SAFETY: there is a next location by contract.
    let next = unsafe { IoGetNextIrpStackLocation(Irp) };
    // SAFETY: `Irp` is valid and the caller's for this call by contract.
    let irp = unsafe { irp::Irp::new(Irp) };
    irp.set_current_location(irp.current_location() - 1, next);
}

/// Gives the driver below the location of this one: `IoSkipCurrentIrpStackLocation`.
///
/// # Safety
/// `Irp` is at the calling driver, which has a stack location in it.
#[inline]
pub unsafe fn IoSkipCurrentIrpStackLocation(Irp: *mut IRP) {
    // SAFETY: `Irp` is valid and the caller's for this call by contract.
    let irp = unsafe { irp::Irp::new(Irp) };
    // SAFETY: there is a current location by contract, so what is above it is a location or the end
    // of the array.
    let above = unsafe { irp.current_stack_location().add(1) };
    irp.set_current_location(irp.current_location() + 1, above);
}

/// Prepares the next location like the current one, without its routine:
/// `IoCopyCurrentIrpStackLocationToNext`.
///
/// # Safety
/// `Irp` is at the calling driver, which has a stack location in it, and there is a lower one.
#[inline]
pub unsafe fn IoCopyCurrentIrpStackLocationToNext(Irp: *mut IRP) {
    // SAFETY: `Irp` is valid by contract.
    let current = unsafe { IoGetCurrentIrpStackLocation(Irp) };
    // SAFETY: there is a lower location by contract.
    let next = unsafe { IoGetNextIrpStackLocation(Irp) };
    // SAFETY: the driver has a current location by contract.
    let current = unsafe { StackLocation::new(current) };
    // SAFETY: the next location is the driver's until it sends the IRP.
    current.copy_to(unsafe { StackLocation::new(next) });
}

/// Registers a completion routine that runs on success, on errors and on cancellation:
/// `IoSetCompletionRoutine` with `InvokeOnSuccess`, `InvokeOnError` and `InvokeOnCancel` all TRUE.
///
/// The flags are no parameters: a routine that may not run is one that may not signal (rules
/// `IoAllocateIrpSignalEventInCompletion2` and `…3`).
///
/// # Safety
/// `Irp` is the caller's and has a next stack location. `CompletionRoutine` and `Context` stay
/// valid until the routine has run.
#[inline]
pub unsafe fn IoSetCompletionRoutine(
    Irp: *mut IRP,
    CompletionRoutine: PIO_COMPLETION_ROUTINE,
    Context: *mut c_void,
) {
    // SAFETY: there is a next location by contract.
    let next = unsafe { IoGetNextIrpStackLocation(Irp) };
    // SAFETY: the IRP is the caller's by contract, and with it the location.
    let next = unsafe { StackLocation::new(next) };
    next.set_completion_routine(CompletionRoutine, Context, SL_INVOKE_ALWAYS);
}

/// Marks the IRP pending, so that the dispatch routine returns `STATUS_PENDING`:
/// `IoMarkIrpPending`.
///
/// # Safety
/// `Irp` is at the calling driver, which has a stack location in it. Never for an IRP that the
/// driver has allocated itself without an own location: that writes past the array.
#[inline]
pub unsafe fn IoMarkIrpPending(Irp: *mut IRP) {
    // SAFETY: `Irp` is valid by contract.
    let current = unsafe { IoGetCurrentIrpStackLocation(Irp) };
    // SAFETY: the driver has a current location by contract.
    unsafe { StackLocation::new(current) }.mark_pending();
}

/// Exchanges the cancel routine atomically and returns the previous one: `IoSetCancelRoutine`.
///
/// # Safety
/// `Irp` is at the calling driver; `CancelRoutine` stays valid until it is taken back or has run.
#[inline]
pub unsafe fn IoSetCancelRoutine(Irp: *mut IRP, CancelRoutine: PDRIVER_CANCEL) -> PDRIVER_CANCEL {
    // SAFETY: `Irp` is valid by contract, and the method accesses nothing but the cancel routine.
    unsafe { irp::Irp::new(Irp) }.exchange_cancel_routine(CancelRoutine)
}
