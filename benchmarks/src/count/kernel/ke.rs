//! `Ke`: events, the wait that completes what is pending, and the IRQL.
//!
//! The functions have the contracts of the functions of `wdm_irp::sys` that they stand for.

use core::ffi::c_void;
use core::hint::black_box;
use std::process::abort;

use wdm_irp::sys::{KEVENT, NTSTATUS, STATUS_SUCCESS, STATUS_TIMEOUT};

use super::io::complete;
use super::state::{Lower, STATE, take_pending};

#[unsafe(export_name = "wdm_irp_sim_KeInitializeEvent")]
#[inline(never)]
unsafe extern "system" fn initialize_event(event: *mut KEVENT, kind: i32, signaled: u8) {
    let (event, _, signaled) = black_box((event, kind, signaled));
    // SAFETY: the caller's memory for an event, writable by contract.
    unsafe { (*event).Header.SignalState = i32::from(signaled) };
}

#[unsafe(export_name = "wdm_irp_sim_KeSetEvent")]
#[inline(never)]
unsafe extern "system" fn set_event(event: *mut KEVENT, increment: i32, wait: u8) -> i32 {
    let (event, _, _) = black_box((event, increment, wait));
    // SAFETY: an initialized event by contract; sender and lower driver are the same thread.
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
            // SAFETY: an initialized event by contract; nobody else but this thread writes to it.
            if unsafe { (*event).Header.SignalState } != 0 {
                return STATUS_SUCCESS;
            }
            if state.lower.get() == Lower::UntilCancelled && !timeout.is_null() {
                return STATUS_TIMEOUT;
            }
            match take_pending(state) {
                // SAFETY: it was pending (invariant 3 of `State`), so it is at the lower driver.
                Some(irp) => unsafe { complete(irp, STATUS_SUCCESS) },
                // Nobody is left to signal.
                None => abort(),
            }
        }
    });
    black_box(status)
}

#[unsafe(export_name = "wdm_irp_sim_KeGetCurrentIrql")]
#[inline(never)]
unsafe extern "system" fn current_irql() -> u8 {
    black_box(0)
}
