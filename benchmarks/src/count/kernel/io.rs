//! `Io` and `Iof`: requests, and the lower driver that they go to.
//!
//! The functions have the contracts of the functions of `wdm_irp::sys` that they stand for.

use core::hint::black_box;
use core::ptr::{null_mut, write_bytes};
use std::alloc::{Layout, alloc_zeroed};
use std::process::abort;

use wdm_irp::sys::irp::{Irp, StackLocation};
use wdm_irp::sys::{
    DEVICE_OBJECT, IRP, IoGetCurrentIrpStackLocation, IoMarkIrpPending, IoSetNextIrpStackLocation,
    IoSkipCurrentIrpStackLocation, NTSTATUS, SL_PENDING_RETURNED, STATUS_CANCELLED, STATUS_PENDING,
    STATUS_SUCCESS,
};

use super::state::{Lower, Memory, STATE, take_pending};

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
            // SAFETY: the layout of `Memory` is not of size zero.
            memory = unsafe { alloc_zeroed(Layout::new::<Memory>()) }.cast();
        } else {
            // INVARIANT: 2 of `State`: `memory` is not in the list any more.
            // SAFETY: not null, so `Memory` (invariant 1 of `State`).
            state.free.set(unsafe { (*memory).next });
        }
        // SAFETY: allocated, and in use by nobody (invariant 2 of `State`). Zeroes are a value of
        // every field.
        unsafe { write_bytes(memory, 0, 1) };
        let irp: *mut IRP = memory.cast();
        // SAFETY: in bounds of `Memory`; as an IRP has it, the locations begin behind the
        // structure.
        let locations = unsafe { &raw mut (*memory).locations };
        // SAFETY: one past the array, which has one location.
        let end = unsafe { locations.add(1) }.cast();
        // SAFETY: in bounds of `Memory`, which nobody else uses.
        unsafe { (*irp).StackCount = 1 };
        // SAFETY: an IRP with one location behind it, never given back (invariant 1 of `State`),
        // and new, so that nobody else has it.
        let fields = unsafe { Irp::new(irp) };
        // An IRP begins above its highest location.
        fields.set_current_location(2, end);
        irp
    });
    black_box(irp)
}

#[unsafe(export_name = "wdm_irp_sim_IoFreeIrp")]
#[inline(never)]
unsafe extern "system" fn free_irp(irp: *mut IRP) {
    let memory: *mut Memory = black_box(irp).cast();
    STATE.with(|state| {
        // SAFETY: `allocate_irp` has made every IRP that there is, as the first field of `Memory`;
        // the caller does not use it any more, by contract.
        unsafe { (*memory).next = state.free.get() };
        // INVARIANT: 2 of `State`: the IRP is not in use.
        state.free.set(memory);
    });
}

#[unsafe(export_name = "wdm_irp_sim_IofCallDriver")]
#[inline(never)]
unsafe extern "system" fn call_driver(device: *mut DEVICE_OBJECT, irp: *mut IRP) -> NTSTATUS {
    let (device, irp) = black_box((device, irp));
    // SAFETY: the caller has the IRP, and has filled in its next location, by contract.
    unsafe { IoSetNextIrpStackLocation(irp) };
    // SAFETY: it has a current location from here on.
    let location = unsafe { current(irp) };
    location.set_device_object(device);
    let status = STATE.with(|state| {
        let lower = state.lower.get();
        if let Lower::Inline(status) = lower {
            // SAFETY: the IRP is at the lower driver, with a current location.
            unsafe { complete(irp, status) };
            return status;
        }
        // SAFETY: the IRP is at the lower driver, which has a location in it.
        unsafe { IoMarkIrpPending(irp) };
        let memory: *mut Memory = irp.cast();
        // INVARIANT: 3 of `State`: the last one, and marked pending.
        let last = state.last.replace(memory);
        if last.is_null() {
            state.first.set(memory);
        } else {
            // SAFETY: not null, so `Memory` that is pending (invariants 1 and 3 of `State`).
            unsafe { (*last).next = memory };
        }
        STATUS_PENDING
    });
    black_box(status)
}

/// Returns the current stack location.
///
/// # Safety
/// `irp` is at the lower driver, which is this program.
unsafe fn current(irp: *mut IRP) -> StackLocation {
    // SAFETY: the IRP is at the lower driver by contract.
    let location = unsafe { IoGetCurrentIrpStackLocation(irp) };
    // SAFETY: an IRP at a driver has a current location, which is that driver's. The sender has
    // filled it in.
    unsafe { StackLocation::new(location) }
}

/// Completes the request with as many bytes as it asks for (`IofCompleteRequest`).
///
/// # Safety
/// `irp` is at the lower driver, and is not used afterwards.
pub(super) unsafe fn complete(irp: *mut IRP, status: NTSTATUS) {
    // SAFETY: the IRP is at the lower driver by contract.
    let location = unsafe { current(irp) };
    // Reads are the only requests here.
    let length = location.read_parameters().Length.0;
    let information = if status == STATUS_SUCCESS { length } else { 0 };
    // SAFETY: an IRP at a driver is allocated and that driver's.
    let fields = unsafe { Irp::new(irp) };
    fields.set_io_status(status, information as usize);
    fields.set_pending_returned(location.control() & SL_PENDING_RETURNED != 0);
    let Some(routine) = location.completion_routine() else {
        abort();
    };
    let context = location.context();
    // The way back to the driver above is that of a driver that skips its location.
    // SAFETY: the IRP is at the lower driver, which has a location in it.
    unsafe { IoSkipCurrentIrpStackLocation(irp) };
    // SAFETY: the sender keeps routine and context valid until the routine has run (contract of
    // `IoSetCompletionRoutine`); the IRP is not used afterwards.
    unsafe { black_box(routine)(null_mut(), irp, context) };
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
    // SAFETY: it was pending (invariant 3 of `State`), so it is at the lower driver.
    unsafe { complete(irp, STATUS_CANCELLED) };
    black_box(1)
}

#[unsafe(export_name = "wdm_irp_sim_IoReuseIrp")]
#[inline(never)]
unsafe extern "system" fn reuse_irp(irp: *mut IRP, status: NTSTATUS) {
    let (irp, status) = black_box((irp, status));
    // SAFETY: an IRP of `allocate_irp`, which is the caller's, by contract.
    unsafe { write_bytes(irp.cast::<Memory>(), 0, 1) };
    // SAFETY: as above.
    unsafe { (*irp).StackCount = 1 };
    // SAFETY: as above, and zeroed, which is a value of every field.
    let fields = unsafe { Irp::new(irp) };
    fields.set_current_location(2, fields.address_of_location(2));
    fields.set_io_status(status, 0);
}

/// No target here has a device of its own.
#[unsafe(export_name = "wdm_irp_sim_IoSetCompletionRoutineEx")]
extern "system" fn set_completion_routine_ex() -> NTSTATUS {
    abort();
}
