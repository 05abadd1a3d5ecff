//! `Io` and `Iof`: requests, and the lower driver that they go to.

use core::hint::black_box;
use core::mem::offset_of;
use core::ptr::{null_mut, write_bytes};
use std::alloc::{Layout, alloc_zeroed};
use std::process::abort;

use wdm_irp::sys::{
    DEVICE_OBJECT, IO_STACK_LOCATION, IRP, IoGetCurrentIrpStackLocation, IoGetNextIrpStackLocation,
    IoMarkIrpPending, IoSetNextIrpStackLocation, NTSTATUS, SL_PENDING_RETURNED, STATUS_CANCELLED,
    STATUS_PENDING, STATUS_SUCCESS, set_irp_status,
};

use super::state::{Lower, Memory, STATE, take_pending};

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
pub(super) unsafe fn complete(irp: *mut IRP, status: NTSTATUS) {
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
