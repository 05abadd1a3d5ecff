//! The steps of a cancellation.

use core::sync::atomic::Ordering;

use wdm_irp::sys::{
    IoAcquireCancelSpinLock, IoCancelIrp, IoReleaseCancelSpinLock, IoSetCancelRoutine,
};

use super::act::{Act, present};
use crate::script::Actor;
use crate::show::{Boolean, Irql};

impl Act<'_> {
    /// `IoSetCancelRoutine`
    pub(super) fn set_cancel_routine(&self, set: bool) {
        let routine = self.bench().cancels[self.actor.index()].filter(|_| set);
        // SAFETY: the driver has the IRP (invariant 1 of `Scenario`); the routine is a function.
        let before = unsafe { IoSetCancelRoutine(self.irp, routine) };
        self.trace(format_args!(
            "IoSetCancelRoutine({}): was {}",
            present(set),
            present(before.is_some())
        ));
    }

    /// `IoAcquireCancelSpinLock`
    pub(super) fn acquire_cancel_lock(&mut self) {
        let mut irql = 0;
        // SAFETY: `irql` is a local variable, and nobody holds the lock (invariant 1 of
        // `Scenario`).
        unsafe { IoAcquireCancelSpinLock(&raw mut irql) };
        // INVARIANT: 3 of `Act`.
        self.irql = irql;
        self.trace(format_args!("IoAcquireCancelSpinLock: was {}", Irql(irql)));
    }

    /// `IoReleaseCancelSpinLock`
    pub(super) fn release_cancel_lock(&self) {
        // SAFETY: this actor holds the lock (invariant 1 of `Scenario`), and took it at that IRQL
        // (invariant 3 of `Act`).
        unsafe { IoReleaseCancelSpinLock(self.irql) };
        self.trace(format_args!("IoReleaseCancelSpinLock"));
    }

    /// `IoCancelIrp` on the originator's IRP
    pub(super) fn cancel(&self) {
        let irp = self.bench().irps[Actor::Originator.index()].load(Ordering::Acquire);
        self.trace(format_args!("IoCancelIrp"));
        // SAFETY: the originator frees its IRP by a later step of the same thread (invariant 1 of
        // `Scenario`).
        let called = unsafe { IoCancelIrp(irp) };
        self.trace(format_args!("IoCancelIrp returned {}", Boolean(called)));
    }
}
