//! The ABI seam: the WDM types, constants and functions this library stands on, under their WDM names.
//!
//! Everything above this module is the same on every build. Here alone the feature `kernel` chooses who answers:
//! `ntoskrnl.exe`, or the host model in the crate `wdm-irp-sim`, which implements the same functions as
//! `wdm_irp_sim_…` symbols. The target does not choose: driver authors run `cargo test` on Windows too, and a
//! test binary that imports `ntoskrnl.exe` does not start.
//!
//! Types come from windows-sys where its layout is the WDK's; [`IO_STACK_LOCATION`] and [`PIO_COMPLETION_ROUTINE`]
//! are declared here because windows-sys 0.61 has them wrong (its `Parameters` union lacks `POINTER_ALIGNMENT`, its
//! routine type has no parameters). Each size, offset and constant is pinned by a static assertion, see
//! [`LAYOUT`].
//!
//! The module is public for the edges of a driver, which are unsafe anyway: dispatch routines, `DriverEntry`, lower
//! drivers in tests. Pointers of wdk-sys cross by `.cast()`.
#![allow(
    non_snake_case,
    non_camel_case_types,
    non_upper_case_globals,
    reason = "everything keeps the name under which the WDK documents it"
)]

mod layout;

use core::ffi::c_void;

pub use layout::LAYOUT;
pub use windows_sys::Wdk::Foundation::{
    DEVICE_OBJECT, DISPATCHER_HEADER, DRIVER_OBJECT, FILE_OBJECT, IRP, KEVENT, MDL,
};
pub use windows_sys::Wdk::Storage::FileSystem::{DO_BUFFERED_IO, DO_DIRECT_IO};
pub use windows_sys::Wdk::System::SystemServices::{
    IO_TYPE_IRP, IRP_MJ_DEVICE_CONTROL, IRP_MJ_FLUSH_BUFFERS, IRP_MJ_INTERNAL_DEVICE_CONTROL,
    IRP_MJ_PNP, IRP_MJ_READ, IRP_MJ_SHUTDOWN, IRP_MJ_WRITE,
};
pub use windows_sys::Win32::Foundation::{
    NTSTATUS, STATUS_CANCELLED, STATUS_DEVICE_BUSY, STATUS_DRIVER_INTERNAL_ERROR,
    STATUS_INSUFFICIENT_RESOURCES, STATUS_INVALID_DEVICE_REQUEST, STATUS_INVALID_PARAMETER,
    STATUS_IO_TIMEOUT, STATUS_MORE_PROCESSING_REQUIRED, STATUS_NOT_SUPPORTED, STATUS_PENDING,
    STATUS_SUCCESS, STATUS_TIMEOUT, STATUS_UNSUCCESSFUL,
};
pub use windows_sys::Win32::System::IO::IO_STATUS_BLOCK;

/// Whether this build calls the kernel (`true`: feature `kernel`) or the host model.
pub const KERNEL: bool = cfg!(feature = "kernel");

/// A device object, as the WDK's prototypes name it.
pub type PDEVICE_OBJECT = *mut DEVICE_OBJECT;

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
    /// The routine of the driver *above*, called when the driver of this location completes the IRP.
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

/// `Parameters.Read` and `Parameters.Write`; `ULONG POINTER_ALIGNMENT` is a `u32` in a cell of eight bytes.
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
/// `EVENT_TYPE` of an event that stays signalled.
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
/// `IRP_MN_QUERY_PNP_DEVICE_STATE`
pub const IRP_MN_QUERY_PNP_DEVICE_STATE: u8 = 0x14;

/// Declares kernel functions once, for both answers to "who implements them?".
macro_rules! kernel_imports {
    ($(
        $(#[$doc:meta])*
        $model:literal fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)?;
    )*) => {
        #[cfg(feature = "kernel")]
        #[cfg_attr(windows, link(name = "ntoskrnl.exe", kind = "raw-dylib", modifiers = "+verbatim"))]
        unsafe extern "system" {
            $($(#[$doc])* pub fn $name($($arg: $ty),*) $(-> $ret)?;)*
        }
        #[cfg(not(feature = "kernel"))]
        unsafe extern "system" {
            $($(#[$doc])* #[link_name = $model] pub fn $name($($arg: $ty),*) $(-> $ret)?;)*
        }
    };
}

kernel_imports! {
    /// Allocates an IRP with `StackSize` stack locations, or returns null. IRQL <= `DISPATCH_LEVEL`.
    ///
    /// # Safety
    /// `StackSize` is positive.
    "wdm_irp_sim_IoAllocateIrp" fn IoAllocateIrp(StackSize: i8, ChargeQuota: u8) -> *mut IRP;

    /// Frees an IRP of [`IoAllocateIrp`]. IRQL <= `DISPATCH_LEVEL`.
    ///
    /// # Safety
    /// `Irp` came from [`IoAllocateIrp`], is not in flight and is not used again.
    "wdm_irp_sim_IoFreeIrp" fn IoFreeIrp(Irp: *mut IRP);

    /// Hands the IRP to the driver of `DeviceObject` (`IoCallDriver`). The IRQL depends on the request.
    ///
    /// # Safety
    /// `DeviceObject` is valid, `Irp` is the caller's, and its next stack location is filled in.
    "wdm_irp_sim_IofCallDriver" fn IofCallDriver(DeviceObject: *mut DEVICE_OBJECT, Irp: *mut IRP) -> NTSTATUS;

    /// Completes the IRP (`IoCompleteRequest`): runs the completion routines, upwards. IRQL <= `DISPATCH_LEVEL`.
    ///
    /// # Safety
    /// `Irp` is at a driver that has not completed it before; that driver does not touch it afterwards.
    "wdm_irp_sim_IofCompleteRequest" fn IofCompleteRequest(Irp: *mut IRP, PriorityBoost: i8);

    /// Marks the IRP cancelled and calls its cancel routine, if it has one. IRQL <= `DISPATCH_LEVEL`.
    ///
    /// # Safety
    /// `Irp` is allocated for the whole call.
    "wdm_irp_sim_IoCancelIrp" fn IoCancelIrp(Irp: *mut IRP) -> u8;

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

    /// Initialises an event. Any IRQL.
    ///
    /// # Safety
    /// `Event` is writable, resident, and nobody waits on it.
    "wdm_irp_sim_KeInitializeEvent" fn KeInitializeEvent(Event: *mut KEVENT, Type: i32, State: u8);

    /// Signals an event; returns its previous state. IRQL <= `DISPATCH_LEVEL` if `Wait` is 0.
    ///
    /// # Safety
    /// `Event` is initialised. Its memory may be gone when the call returns, if a waiter owns it.
    "wdm_irp_sim_KeSetEvent" fn KeSetEvent(Event: *mut KEVENT, Increment: i32, Wait: u8) -> i32;

    /// Waits. IRQL <= `APC_LEVEL`, or <= `DISPATCH_LEVEL` with a time-out of zero. `Timeout` is in units of
    /// 100 ns, relative if negative; null waits for ever.
    ///
    /// # Safety
    /// `Object` is an initialised dispatcher object; `Timeout` is null or readable.
    "wdm_irp_sim_KeWaitForSingleObject" fn KeWaitForSingleObject(
        Object: *mut c_void, WaitReason: i32, WaitMode: i8, Alertable: u8, Timeout: *const i64,
    ) -> NTSTATUS;

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

    /// Makes the pages of an MDL resident and locks them. IRQL <= `APC_LEVEL`, or <= `DISPATCH_LEVEL` for
    /// memory that is not pageable. Raises an exception if the memory is not accessible.
    ///
    /// # Safety
    /// `MemoryDescriptorList` describes memory that `AccessMode` may access as `Operation` says.
    "wdm_irp_sim_MmProbeAndLockPages" fn MmProbeAndLockPages(
        MemoryDescriptorList: *mut MDL, AccessMode: i8, Operation: i32,
    );

    /// Unlocks the pages of an MDL. IRQL <= `DISPATCH_LEVEL`.
    ///
    /// # Safety
    /// The pages were locked by [`MmProbeAndLockPages`], and no device transfers to or from them.
    "wdm_irp_sim_MmUnlockPages" fn MmUnlockPages(MemoryDescriptorList: *mut MDL);
}

// On x86_64 the WDK has no import for this: wdm.h reads CR8. ntoskrnl.exe exports the function elsewhere.
#[cfg(not(all(feature = "kernel", target_arch = "x86_64")))]
kernel_imports! {
    /// The IRQL of this processor. Any IRQL.
    ///
    /// # Safety
    /// None is needed; the declaration is foreign.
    "wdm_irp_sim_KeGetCurrentIrql" fn KeGetCurrentIrql() -> u8;
}

/// The IRQL of this processor. Any IRQL.
///
/// # Safety
/// The caller runs in kernel mode.
#[cfg(all(feature = "kernel", target_arch = "x86_64"))]
#[must_use]
#[inline]
pub unsafe fn KeGetCurrentIrql() -> u8 {
    let cr8: u64;
    // SAFETY: reading CR8 has no side effect; the caller is in kernel mode, where it is allowed.
    unsafe {
        core::arch::asm!("mov {}, cr8", out(reg) cr8, options(nomem, nostack, preserves_flags));
    }
    // CR8 holds the task priority in four bits.
    cr8.to_le_bytes()[0]
}

/// `NT_SUCCESS`: success and informational severities.
#[must_use]
pub const fn NT_SUCCESS(status: NTSTATUS) -> bool {
    status >= 0
}

/// The cell that holds the current stack location.
///
/// # Safety
/// `Irp` is valid.
#[inline]
unsafe fn current_stack_location_cell(Irp: *mut IRP) -> *mut *mut IO_STACK_LOCATION {
    // SAFETY: in bounds of an IRP, which is valid by contract.
    unsafe { Irp.byte_add(layout::CURRENT_STACK_LOCATION) }.cast()
}

/// `IoGetCurrentIrpStackLocation`
///
/// # Safety
/// `Irp` is valid and at a driver.
#[must_use]
#[inline]
pub unsafe fn IoGetCurrentIrpStackLocation(Irp: *mut IRP) -> *mut IO_STACK_LOCATION {
    // SAFETY: `Irp` is valid by contract.
    let cell = unsafe { current_stack_location_cell(Irp) };
    // SAFETY: a field of a valid IRP is readable.
    unsafe { cell.read() }
}

/// `IoGetNextIrpStackLocation`
///
/// # Safety
/// `Irp` is valid and its current location is not the lowest.
#[must_use]
#[inline]
pub unsafe fn IoGetNextIrpStackLocation(Irp: *mut IRP) -> *mut IO_STACK_LOCATION {
    // SAFETY: `Irp` is valid by contract.
    let current = unsafe { IoGetCurrentIrpStackLocation(Irp) };
    // SAFETY: there is a lower location by contract, and locations are an array that is filled downwards.
    unsafe { current.sub(1) }
}

/// `IoSetNextIrpStackLocation`: makes the next location the current one.
///
/// # Safety
/// `Irp` is the caller's, and its current location is not the lowest.
#[inline]
pub unsafe fn IoSetNextIrpStackLocation(Irp: *mut IRP) {
    // SAFETY: there is a next location by contract.
    let next = unsafe { IoGetNextIrpStackLocation(Irp) };
    // SAFETY: `Irp` is valid by contract.
    let cell = unsafe { current_stack_location_cell(Irp) };
    // SAFETY: the caller owns the IRP.
    unsafe { cell.write(next) };
    // SAFETY: as above.
    unsafe { (*Irp).CurrentLocation -= 1 };
}

/// `IoSetCompletionRoutine` with `InvokeOnSuccess`, `InvokeOnError` and `InvokeOnCancel` all TRUE.
///
/// The flags are no parameters: a routine that may not run is one that may not signal (rules
/// `IoAllocateIrpSignalEventInCompletion2` and `…3`).
///
/// # Safety
/// `Irp` is the caller's and has a next stack location. `CompletionRoutine` and `Context` stay valid until the
/// routine has run.
#[inline]
pub unsafe fn IoSetCompletionRoutine(
    Irp: *mut IRP,
    CompletionRoutine: PIO_COMPLETION_ROUTINE,
    Context: *mut c_void,
) {
    // SAFETY: there is a next location by contract.
    let next = unsafe { IoGetNextIrpStackLocation(Irp) };
    // SAFETY: by contract.
    unsafe { set_completion_routine(next, CompletionRoutine, Context) };
}

/// [`IoSetCompletionRoutine`], for whoever knows the next stack location.
///
/// # Safety
/// As for [`IoSetCompletionRoutine`], with `next` as the IRP's next stack location.
#[inline]
pub(crate) unsafe fn set_completion_routine(
    next: *mut IO_STACK_LOCATION,
    CompletionRoutine: PIO_COMPLETION_ROUTINE,
    Context: *mut c_void,
) {
    // SAFETY: the caller owns the IRP and with it the location.
    unsafe { (*next).CompletionRoutine = CompletionRoutine };
    // SAFETY: as above.
    unsafe { (*next).Context = Context };
    // SAFETY: as above.
    unsafe { (*next).Control = SL_INVOKE_ALWAYS };
}

/// `IoMarkIrpPending`: the dispatch routine will return `STATUS_PENDING`.
///
/// # Safety
/// `Irp` is at the calling driver, which has a stack location in it. Never for an IRP that the driver has allocated
/// itself without an own location: that writes past the array (rule `CompletionEventChecking`'s neighbour).
#[inline]
pub unsafe fn IoMarkIrpPending(Irp: *mut IRP) {
    // SAFETY: `Irp` is valid by contract.
    let current = unsafe { IoGetCurrentIrpStackLocation(Irp) };
    // SAFETY: the driver has a current location by contract.
    unsafe { (*current).Control |= SL_PENDING_RETURNED };
}

/// `IoSetCancelRoutine`: exchanges the cancel routine atomically and returns the previous one.
///
/// # Safety
/// `Irp` is at the calling driver; `CancelRoutine` stays valid until it is taken back or has run.
#[inline]
pub unsafe fn IoSetCancelRoutine(Irp: *mut IRP, CancelRoutine: PDRIVER_CANCEL) -> PDRIVER_CANCEL {
    use core::sync::atomic::{AtomicPtr, Ordering};

    let new = CancelRoutine.map_or(core::ptr::null_mut(), |routine| routine as *mut c_void);
    // SAFETY: in bounds of a valid IRP. `AtomicPtr` has the size and alignment of the field.
    let cell = unsafe { &raw mut (*Irp).CancelRoutine }.cast::<AtomicPtr<c_void>>();
    // SAFETY: the field is only ever accessed atomically.
    let cell = unsafe { &*cell };
    let old = cell.swap(new, Ordering::AcqRel);
    // SAFETY: the field holds null or a `DRIVER_CANCEL *`; `Option<fn>` represents null as `None`.
    unsafe { core::mem::transmute::<*mut c_void, PDRIVER_CANCEL>(old) }
}

/// The status of an IRP's `IO_STATUS_BLOCK`.
///
/// # Safety
/// `Irp` is valid, and at the caller.
#[must_use]
#[inline]
pub unsafe fn irp_status(Irp: *const IRP) -> NTSTATUS {
    // SAFETY: `Irp` is valid by contract; `Status` is the first field of the block on every target (see LAYOUT).
    let status = unsafe { &raw const (*Irp).IoStatus }.cast::<NTSTATUS>();
    // SAFETY: as above.
    unsafe { status.read() }
}

/// Sets the `IO_STATUS_BLOCK` of an IRP.
///
/// # Safety
/// `Irp` is valid, and at the caller.
#[inline]
pub unsafe fn set_irp_status(Irp: *mut IRP, Status: NTSTATUS, Information: usize) {
    // SAFETY: `Irp` is valid by contract; `Status` is the first field of the block on every target (see LAYOUT).
    let status = unsafe { &raw mut (*Irp).IoStatus }.cast::<NTSTATUS>();
    // SAFETY: as above.
    unsafe { status.write(Status) };
    // SAFETY: as above.
    unsafe { (*Irp).IoStatus.Information = Information };
}

/// `Irp->PendingReturned`.
///
/// # Safety
/// `Irp` is valid, and its completion routine is running.
#[must_use]
#[inline]
pub unsafe fn irp_pending_returned(Irp: *const IRP) -> bool {
    // Read as the BOOLEAN byte it is: the kernel makes no promise that it is 0 or 1, which `bool` would need.
    // SAFETY: `Irp` is valid by contract.
    let pending = unsafe { &raw const (*Irp).PendingReturned }.cast::<u8>();
    // SAFETY: as above.
    unsafe { pending.read() != 0 }
}

/// The cell of `Irp->AssociatedIrp.SystemBuffer`.
///
/// # Safety
/// `Irp` is valid.
#[must_use]
#[inline]
pub unsafe fn irp_system_buffer(Irp: *mut IRP) -> *mut *mut c_void {
    // SAFETY: `Irp` is valid by contract; every member of the union begins at its address.
    unsafe { &raw mut (*Irp).AssociatedIrp }.cast()
}
