//! An actor on the stage: what it has, and how it writes a line.

use core::fmt;
use core::ptr::null_mut;
use core::sync::atomic::Ordering;

use wdm_irp::sys::irp::Irp;
use wdm_irp::sys::{IRP, KEVENT, MDL, NTSTATUS, PASSIVE_LEVEL, STATUS_SUCCESS};

use super::bench::Bench;
use crate::script::{Actor, Which};

/// An actor on the stage.
///
/// # Invariants
/// 1. `bench` is valid up to the actor's last step, which may let a waiter end the scenario.
/// 2. `irp` is null, or the IRP that the actor has. Between two steps it may lose the IRP; by
///    invariant 1 of [`Scenario`](crate::Scenario) no step uses it then.
/// 3. `irql` is what the lock was taken at, while this actor holds the cancel spin lock.
pub(super) struct Act<'b> {
    pub(super) bench: *const Bench<'b>,
    pub(super) actor: Actor,
    pub(super) irp: *mut IRP,
    /// What the last `IofCallDriver` returned.
    pub(super) called: NTSTATUS,
    /// For `IoReleaseCancelSpinLock`.
    pub(super) irql: u8,
}

impl<'b> Act<'b> {
    /// Puts an actor on the stage, with the IRP that its routine was called with.
    ///
    /// # Safety
    /// `bench` is that of a running scenario, which waits for this actor. `irp` is null, or an IRP
    /// that the actor has.
    pub(super) unsafe fn new(bench: *const Bench<'b>, actor: Actor, irp: *mut IRP) -> Self {
        // INVARIANT: 1 and 2 by contract; 3: the actor does not hold the lock yet.
        Self {
            bench,
            actor,
            irp,
            called: STATUS_SUCCESS,
            irql: PASSIVE_LEVEL,
        }
    }

    /// Puts an actor on the stage, with the IRP that it holds.
    ///
    /// # Safety
    /// `bench` is that of a running scenario, which waits for this actor.
    pub(super) unsafe fn of_holder(bench: *const Bench<'b>, actor: Actor) -> Self {
        // SAFETY: `bench` by contract; the actor has no IRP so far.
        let mut act = unsafe { Self::new(bench, actor, null_mut()) };
        // INVARIANT: 2: the actor has put its IRP there, by `allocate` or `Step::Hold`.
        act.irp = act.bench().irps[actor.index()].load(Ordering::Acquire);
        act
    }

    /// Returns the state of the scenario.
    pub(super) fn bench<'a>(&self) -> &'a Bench<'b> {
        // SAFETY: valid by invariant 1 of `Act`; no step keeps the reference for the next one.
        unsafe { &*self.bench }
    }

    /// Returns the IRP that the actor has, to read and write its fields.
    pub(super) fn access(&self) -> Irp {
        // SAFETY: the steps that call this have an IRP (invariant 1 of `Scenario`), and it is the
        // actor's while the step lasts (invariant 2 of `Act`).
        unsafe { Irp::new(self.irp) }
    }

    /// Writes a line of the trace.
    pub(super) fn trace(&self, line: fmt::Arguments<'_>) {
        let name = self.actor.name();
        self.bench().trace.line(format_args!("{name}: {line}"));
    }

    /// Returns one of the two events.
    pub(super) fn event(&self, which: Which) -> *mut KEVENT {
        self.bench().events[which.index()].get()
    }

    /// Returns one of the two MDLs, or null.
    pub(super) fn mdl(&self, which: Which) -> *mut MDL {
        self.bench().mdls[which.index()].load(Ordering::Acquire)
    }
}

/// Returns how the trace shows whether a pointer is null.
pub(super) const fn present(is: bool) -> &'static str {
    if is { "set" } else { "NULL" }
}
