//! The state of this thread's kernel: what is free, what pends, what the lower driver does.

use core::cell::Cell;
use core::ptr::null_mut;

use wdm_irp::sys::{IO_STACK_LOCATION, IRP, NTSTATUS};

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
pub(super) struct Memory {
    pub(super) irp: IRP,
    pub(super) locations: [IO_STACK_LOCATION; 1],
    /// The next one that is free, or that is pending.
    pub(super) next: *mut Memory,
}

/// What this thread's kernel has.
///
/// # Invariants
/// 1. The addresses are null, or of `Memory` that is never given back to the allocator.
/// 2. From `free` on, by `next`, none is in use.
/// 3. From `first` to `last`, by `next`, are the IRPs that the lower driver has marked pending.
pub(super) struct State {
    pub(super) lower: Cell<Lower>,
    pub(super) out_of_memory: Cell<bool>,
    pub(super) free: Cell<*mut Memory>,
    pub(super) first: Cell<*mut Memory>,
    pub(super) last: Cell<*mut Memory>,
}

thread_local! {
    pub(super) static STATE: State = const {
        State {
            lower: Cell::new(Lower::Pended),
            out_of_memory: Cell::new(false),
            free: Cell::new(null_mut()),
            first: Cell::new(null_mut()),
            last: Cell::new(null_mut()),
        }
    };
}

/// Says what the lower driver does with this thread's requests from now on.
pub(crate) fn lower(lower: Lower) {
    STATE.with(|state| state.lower.set(lower));
}

/// Says whether `IoAllocateIrp` returns null on this thread.
pub(crate) fn out_of_memory(yes: bool) {
    STATE.with(|state| state.out_of_memory.set(yes));
}

/// Takes the request that has been pending longest.
pub(super) fn take_pending(state: &State) -> Option<*mut IRP> {
    let memory = state.first.get();
    if memory.is_null() {
        return None;
    }
    // SAFETY: not null, so `Memory` that is pending (invariants 1 and 3 of `State`).
    let next = unsafe { (*memory).next };
    // INVARIANT: 3: what was taken is not in the list any more.
    state.first.set(next);
    if next.is_null() {
        state.last.set(null_mut());
    }
    Some(memory.cast())
}
