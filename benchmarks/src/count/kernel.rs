//! The kernel's functions for counting: one thread, no clock, no luck.
//!
//! These are the `wdm_irp_sim_…` symbols that wdm-irp imports on a host. The host model, which also defines them, completes a
//! pended request on another thread, so which side of the handshake comes first is up to the scheduler. Here the waiting thread
//! completes what is pending, in `KeWaitForSingleObject`; every run takes the same way. The state is per thread.
//!
//! Every function is called, never inlined, and hides its arguments and results from the optimizer, so that the code around the
//! calls is what it would be with a kernel that the compiler cannot see.

use core::cell::Cell;
use core::ffi::c_void;
use core::hint::black_box;
use core::mem::offset_of;
use core::ptr::{null_mut, write_bytes};
use std::alloc::{Layout, alloc_zeroed};
use std::process::abort;

use wdm_irp::sys::{
    DEVICE_OBJECT, IO_STACK_LOCATION, IRP, IoGetCurrentIrpStackLocation, IoGetNextIrpStackLocation,
    IoMarkIrpPending, IoSetNextIrpStackLocation, KEVENT, MDL, NTSTATUS, SL_PENDING_RETURNED,
    STATUS_CANCELLED, STATUS_PENDING, STATUS_SUCCESS, STATUS_TIMEOUT, set_irp_status,
};

/// What the lower driver does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lower {
    /// Completes it in the dispatch routine, with this status.
    Inline(NTSTATUS),
    /// Marks it pending and completes it when somebody waits.
    Pended,
    /// Marks it pending and completes it when it is cancelled.
    UntilCancelled,
}

/// An allocation of `IoAllocateIrp`.
#[repr(C)]
struct Memory {
    irp: IRP,
    locations: [IO_STACK_LOCATION; 1],
    /// The next one that is free, or that is pending.
    next: *mut Memory,
}

/// # Invariants
/// The addresses are null or `Memory` that is never given back; a pending one is in flight.
struct State {
    lower: Cell<Lower>,
    out_of_memory: Cell<bool>,
    free: Cell<*mut Memory>,
    first: Cell<*mut Memory>,
    last: Cell<*mut Memory>,
}

thread_local! {
    static STATE: State = const {
        State {
            lower: Cell::new(Lower::Pended),
            out_of_memory: Cell::new(false),
            free: Cell::new(null_mut()),
            first: Cell::new(null_mut()),
            last: Cell::new(null_mut()),
        }
    };
}

/// What the lower driver does with this thread's requests from now on.
pub(crate) fn lower(lower: Lower) {
    STATE.with(|state| state.lower.set(lower));
}

/// Whether `IoAllocateIrp` returns null on this thread.
pub(crate) fn out_of_memory(yes: bool) {
    STATE.with(|state| state.out_of_memory.set(yes));
}

/// # Safety
/// As `wdm_irp::sys` says, here and below.
#[unsafe(export_name = "wdm_irp_sim_IoAllocateIrp")]
#[inline(never)]
unsafe extern "system" fn allocate_irp(stack_size: i8, _charge_quota: u8) -> *mut IRP {
    if black_box(stack_size) != 1 {
        abort();
    }
    let irp = STATE.with(|state| {
        if state.out_of_memory.get() {
            return null_mut();
        }
        let mut memory = state.free.get();
        if memory.is_null() {
            // SAFETY: the layout is not empty.
            memory = unsafe { alloc_zeroed(Layout::new::<Memory>()) }.cast();
        } else {
            // SAFETY: a free one (invariant).
            state.free.set(unsafe { (*memory).next });
        }
        // SAFETY: allocated and free, so nobody else's; zero is a value of every field.
        unsafe { write_bytes(memory, 0, 1) };
        let irp: *mut IRP = memory.cast();
        // SAFETY: as above.
        unsafe { (*irp).StackCount = 1 };
        // SAFETY: as above. An IRP begins above its highest location.
        unsafe { (*irp).CurrentLocation = 2 };
        // SAFETY: as above.
        let locations = unsafe { &raw mut (*memory).locations };
        // SAFETY: the end of the array.
        let end = unsafe { locations.add(1) }.cast();
        // SAFETY: the IRP is allocated.
        unsafe { set_current_location(irp, end) };
        irp
    });
    black_box(irp)
}

/// # Safety
/// `irp` is allocated.
unsafe fn set_current_location(irp: *mut IRP, location: *mut IO_STACK_LOCATION) {
    const OFFSET: usize = offset_of!(IRP, Tail.Overlay.Anonymous2.Anonymous.CurrentStackLocation);
    // SAFETY: in bounds.
    let cell = unsafe { irp.byte_add(OFFSET) }.cast::<*mut IO_STACK_LOCATION>();
    // SAFETY: as above.
    unsafe { cell.write(location) };
}

#[unsafe(export_name = "wdm_irp_sim_IoFreeIrp")]
#[inline(never)]
unsafe extern "system" fn free_irp(irp: *mut IRP) {
    let memory: *mut Memory = black_box(irp).cast();
    STATE.with(|state| {
        // SAFETY: allocated by contract.
        unsafe { (*memory).next = state.free.get() };
        state.free.set(memory);
    });
}

#[unsafe(export_name = "wdm_irp_sim_IofCallDriver")]
#[inline(never)]
unsafe extern "system" fn call_driver(device: *mut DEVICE_OBJECT, irp: *mut IRP) -> NTSTATUS {
    let (device, irp) = black_box((device, irp));
    // SAFETY: by contract.
    let next = unsafe { IoGetNextIrpStackLocation(irp) };
    // SAFETY: by contract.
    unsafe { (*next).DeviceObject = device };
    // SAFETY: by contract.
    unsafe { IoSetNextIrpStackLocation(irp) };
    let status = STATE.with(|state| {
        let lower = state.lower.get();
        if let Lower::Inline(status) = lower {
            // SAFETY: the IRP is at this driver.
            unsafe { complete(irp, status) };
            return status;
        }
        // SAFETY: the IRP is at this driver.
        unsafe { IoMarkIrpPending(irp) };
        let memory: *mut Memory = irp.cast();
        let last = state.last.replace(memory);
        if last.is_null() {
            state.first.set(memory);
        } else {
            // SAFETY: pending (invariant).
            unsafe { (*last).next = memory };
        }
        STATUS_PENDING
    });
    black_box(status)
}

/// Completes the request with as many bytes as it asks for: `IofCompleteRequest`, and the lower driver around it.
///
/// # Safety
/// `irp` is at the lower driver.
unsafe fn complete(irp: *mut IRP, status: NTSTATUS) {
    // SAFETY: by contract.
    let location = unsafe { IoGetCurrentIrpStackLocation(irp) };
    // SAFETY: a copy of plain data of a valid location.
    let location = unsafe { location.read() };
    // SAFETY: the member for reads, the only request here.
    let length = unsafe { location.Parameters.Read.Length.0 };
    let information = if status == STATUS_SUCCESS { length } else { 0 };
    // SAFETY: by contract.
    unsafe { set_irp_status(irp, status, information as usize) };

    // SAFETY: by contract.
    let pending = unsafe { &raw mut (*irp).PendingReturned }.cast::<u8>();
    // SAFETY: as above.
    unsafe { pending.write(u8::from(location.Control & SL_PENDING_RETURNED != 0)) };
    let Some(routine) = location.CompletionRoutine else {
        abort();
    };
    // SAFETY: as above.
    let above = unsafe { IoGetCurrentIrpStackLocation(irp) };
    // SAFETY: the end of the array.
    let above = unsafe { above.add(1) };
    // SAFETY: as above.
    unsafe { set_current_location(irp, above) };
    // SAFETY: as above.
    unsafe { (*irp).CurrentLocation += 1 };
    // SAFETY: by the contract of `IoSetCompletionRoutine`.
    unsafe { black_box(routine)(null_mut(), irp, location.Context) };
}

/// Takes the request that has been pending longest.
fn take_pending(state: &State) -> Option<*mut IRP> {
    let memory = state.first.get();
    if memory.is_null() {
        return None;
    }
    // SAFETY: pending (invariant).
    let next = unsafe { (*memory).next };
    state.first.set(next);
    if next.is_null() {
        state.last.set(null_mut());
    }
    Some(memory.cast())
}

#[unsafe(export_name = "wdm_irp_sim_IoCancelIrp")]
#[inline(never)]
unsafe extern "system" fn cancel_irp(irp: *mut IRP) -> u8 {
    let irp = black_box(irp);
    let taken = STATE.with(take_pending);
    // One request at a time is cancelled here.
    if taken != Some(irp) {
        abort();
    }
    // SAFETY: it was pending.
    unsafe { complete(irp, STATUS_CANCELLED) };
    black_box(1)
}

#[unsafe(export_name = "wdm_irp_sim_KeInitializeEvent")]
#[inline(never)]
unsafe extern "system" fn initialize_event(event: *mut KEVENT, kind: i32, signaled: u8) {
    let (event, _, signaled) = black_box((event, kind, signaled));
    // SAFETY: writable by contract.
    unsafe { (*event).Header.SignalState = i32::from(signaled) };
}

#[unsafe(export_name = "wdm_irp_sim_KeSetEvent")]
#[inline(never)]
unsafe extern "system" fn set_event(event: *mut KEVENT, increment: i32, wait: u8) -> i32 {
    let (event, _, _) = black_box((event, increment, wait));
    // SAFETY: initialised by contract.
    unsafe { (*event).Header.SignalState = 1 };
    black_box(0)
}

#[unsafe(export_name = "wdm_irp_sim_KeWaitForSingleObject")]
#[inline(never)]
unsafe extern "system" fn wait_for_single_object(
    object: *mut c_void,
    reason: i32,
    mode: i8,
    alertable: u8,
    timeout: *const i64,
) -> NTSTATUS {
    let (object, _, _, _, timeout) = black_box((object, reason, mode, alertable, timeout));
    let event: *mut KEVENT = object.cast();
    let status = STATE.with(|state| {
        loop {
            // SAFETY: initialised by contract.
            if unsafe { (*event).Header.SignalState } != 0 {
                return STATUS_SUCCESS;
            }
            if state.lower.get() == Lower::UntilCancelled && !timeout.is_null() {
                return STATUS_TIMEOUT;
            }
            match take_pending(state) {
                // SAFETY: it was pending.
                Some(irp) => unsafe { complete(irp, STATUS_SUCCESS) },
                // Nobody is left to signal.
                None => abort(),
            }
        }
    });
    black_box(status)
}

/// The MDL of every buffer: nobody looks at it.
static MDL_MEMORY: [u64; 8] = [0; 8];

#[unsafe(export_name = "wdm_irp_sim_IoAllocateMdl")]
#[inline(never)]
unsafe extern "system" fn allocate_mdl(
    start: *mut c_void,
    length: u32,
    secondary: u8,
    charge_quota: u8,
    irp: *mut IRP,
) -> *mut MDL {
    let _ = black_box((start, length, secondary, charge_quota, irp));
    black_box((&raw const MDL_MEMORY).cast_mut().cast())
}

#[unsafe(export_name = "wdm_irp_sim_IoFreeMdl")]
#[inline(never)]
unsafe extern "system" fn free_mdl(mdl: *mut MDL) {
    black_box(mdl);
}

#[unsafe(export_name = "wdm_irp_sim_MmProbeAndLockPages")]
#[inline(never)]
unsafe extern "system" fn probe_and_lock_pages(mdl: *mut MDL, mode: i8, operation: i32) {
    black_box((mdl, mode, operation));
}

#[unsafe(export_name = "wdm_irp_sim_MmUnlockPages")]
#[inline(never)]
unsafe extern "system" fn unlock_pages(mdl: *mut MDL) {
    black_box((mdl, mdl));
}

#[unsafe(export_name = "wdm_irp_sim_KeGetCurrentIrql")]
#[inline(never)]
unsafe extern "system" fn current_irql() -> u8 {
    black_box(0)
}
