//! An actor on the stage: what it has, and how it writes a line.

use core::fmt;
use core::ptr::null_mut;
use core::sync::atomic::Ordering;

use wdm_irp::sys::{IRP, KEVENT, MDL, NTSTATUS, PASSIVE_LEVEL, STATUS_SUCCESS};

use super::bench::Bench;
use crate::irp::Irp;
use crate::script::{Actor, Which};

/// An actor on the stage.
///
/// # Invariants
/// `bench` is valid until the step that ends the scenario's waiting for this actor, which is its last. `irp` is the IRP
/// that the actor has, or null; the script does not use it after it was completed or freed.
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
    pub(super) fn new(bench: *const Bench<'b>, actor: Actor, irp: *mut IRP) -> Self {
        // INVARIANT: the callers are the routines of the script, which have both from the I/O manager, and `of_holder`.
        Self {
            bench,
            actor,
            irp,
            called: STATUS_SUCCESS,
            irql: PASSIVE_LEVEL,
        }
    }

    /// The actor with the IRP that it holds.
    pub(super) fn of_holder(bench: *const Bench<'b>, actor: Actor) -> Self {
        let mut act = Self::new(bench, actor, null_mut());
        act.irp = act.bench().irps[actor.index()].load(Ordering::Acquire);
        act
    }

    pub(super) fn bench<'a>(&self) -> &'a Bench<'b> {
        // SAFETY: by the type's invariant; the reference is not kept across the last step.
        unsafe { &*self.bench }
    }

    pub(super) fn access(&self) -> Irp {
        // SAFETY: by the type's invariant.
        unsafe { Irp::new(self.irp) }
    }

    pub(super) fn trace(&self, line: fmt::Arguments<'_>) {
        let name = self.actor.name();
        self.bench().trace.line(format_args!("{name}: {line}"));
    }

    pub(super) fn event(&self, which: Which) -> *mut KEVENT {
        self.bench().events[which.index()].get()
    }

    pub(super) fn mdl(&self, which: Which) -> *mut MDL {
        self.bench().mdls[which.index()].load(Ordering::Acquire)
    }
}

pub(super) const fn present(is: bool) -> &'static str {
    if is { "set" } else { "NULL" }
}
