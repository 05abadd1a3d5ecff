//! The steps of a cancellation.

use core::sync::atomic::Ordering;

use wdm_irp::sys::{
    IoAcquireCancelSpinLock, IoCancelIrp, IoReleaseCancelSpinLock, IoSetCancelRoutine,
};

use super::act::{Act, present};
use crate::script::Actor;
use crate::show::{Boolean, Irql};

impl Act<'_> {
    pub(super) fn set_cancel_routine(&self, set: bool) {
        let routine = self.bench().cancels[self.actor.index()].filter(|_| set);
        // SAFETY: the actor has the IRP; routines live for ever.
        let before = unsafe { IoSetCancelRoutine(self.irp, routine) };
        self.trace(format_args!(
            "IoSetCancelRoutine({}): was {}",
            present(set),
            present(before.is_some())
        ));
    }

    pub(super) fn acquire_cancel_lock(&mut self) {
        let mut irql = 0;
        // SAFETY: the script does not hold the lock.
        unsafe { IoAcquireCancelSpinLock(&raw mut irql) };
        self.irql = irql;
        self.trace(format_args!("IoAcquireCancelSpinLock: was {}", Irql(irql)));
    }

    pub(super) fn release_cancel_lock(&self) {
        // SAFETY: the script holds the lock, and this is the IRQL from before.
        unsafe { IoReleaseCancelSpinLock(self.irql) };
        self.trace(format_args!("IoReleaseCancelSpinLock"));
    }

    pub(super) fn cancel(&self) {
        let irp = self.bench().irps[Actor::Originator.index()].load(Ordering::Acquire);
        self.trace(format_args!("IoCancelIrp"));
        // SAFETY: the originator has not freed the IRP.
        let called = unsafe { IoCancelIrp(irp) };
        self.trace(format_args!("IoCancelIrp returned {}", Boolean(called)));
    }
}
