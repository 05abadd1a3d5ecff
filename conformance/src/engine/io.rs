//! The steps that allocate, send, mark, complete and free an IRP.

use core::ptr::null_mut;
use core::sync::atomic::Ordering;

use wdm_irp::sys::{
    IoAllocateIrp, IoCopyCurrentIrpStackLocationToNext, IoFreeIrp, IoMarkIrpPending,
    IoSetCompletionRoutine, IoSetNextIrpStackLocation, IoSkipCurrentIrpStackLocation,
    IofCallDriver, IofCompleteRequest, NTSTATUS, SL_INVOKE_ALWAYS,
};

use super::act::Act;
use crate::irp;
use crate::script::Actor;
use crate::show::{Control, Status};

impl Act<'_> {
    /// `IoAllocateIrp`
    pub(super) fn allocate(&mut self, stack_size: i8) {
        // SAFETY: the stack sizes of the script are positive (invariant 1 of `Scenario`).
        self.irp = unsafe { IoAllocateIrp(stack_size, 0) };
        self.bench().irps[self.actor.index()].store(self.irp, Ordering::Release);
        let null = if self.irp.is_null() { ": NULL" } else { "" };
        self.trace(format_args!("IoAllocateIrp({stack_size}){null}"));
    }

    /// `IoFreeIrp`
    pub(super) fn free(&mut self) {
        // SAFETY: the originator has its IRP from `IoAllocateIrp`, and it is not in flight
        // (invariant 1 of `Scenario`). It is not used again: `irp` becomes null.
        unsafe { IoFreeIrp(self.irp) };
        self.irp = null_mut();
        self.trace(format_args!("IoFreeIrp"));
    }

    /// `IoSetNextIrpStackLocation`, and the originator's own device in the location
    pub(super) fn own_location(&self) {
        // SAFETY: the originator has the IRP, and has allocated it with one more location than its
        // target has (invariant 1 of `Scenario`).
        unsafe { IoSetNextIrpStackLocation(self.irp) };
        if let Some(location) = irp::current(self.access()) {
            location.set_device_object(self.bench().devices.of(Actor::Originator));
        }
        let current = self.access().current_location();
        self.trace(format_args!(
            "IoSetNextIrpStackLocation: location {current}"
        ));
    }

    /// `IoGetNextIrpStackLocation`, filled in
    pub(super) fn next(&self, major: u32, minor: u8) {
        let major = major.to_le_bytes()[0];
        let bench = self.bench.cast_mut().cast();
        irp::fill(irp::next(self.access()), major, minor, bench);
        self.trace(format_args!("IoGetNextIrpStackLocation"));
    }

    /// `IoCopyCurrentIrpStackLocationToNext`
    pub(super) fn copy(&self) {
        // SAFETY: a driver that copies has the IRP and a location in it, and there is one for the
        // driver below (invariant 1 of `Scenario`).
        unsafe { IoCopyCurrentIrpStackLocationToNext(self.irp) };
        self.trace(format_args!("IoCopyCurrentIrpStackLocationToNext"));
    }

    /// `IoSkipCurrentIrpStackLocation`
    pub(super) fn skip(&self) {
        // SAFETY: a driver that skips has the IRP and a location in it (invariant 1 of `Scenario`).
        unsafe { IoSkipCurrentIrpStackLocation(self.irp) };
        let current = self.access().current_location();
        self.trace(format_args!(
            "IoSkipCurrentIrpStackLocation: location {current}"
        ));
    }

    /// `IoSetCompletionRoutine`, which `wdm_irp::sys` has for all three flags only
    pub(super) fn set_routine(&self, control: u8) {
        let routine = self.bench().routines[self.actor.index()];
        let context = self.bench.cast_mut().cast();
        if control == SL_INVOKE_ALWAYS {
            // SAFETY: the actor has the IRP, and there is a location for the driver below
            // (invariant 1 of `Scenario`). The routine is a function; the bench is there until the
            // scenario ends, which is after the routine has run.
            unsafe { IoSetCompletionRoutine(self.irp, routine, context) };
        } else {
            irp::next(self.access()).set_completion_routine(routine, context, control);
        }
        self.trace(format_args!("IoSetCompletionRoutine({})", Control(control)));
    }

    /// `IofCallDriver`
    pub(super) fn call(&mut self, below: Actor) {
        let device = self.bench().devices.of(below);
        self.trace(format_args!("IofCallDriver({})", below.name()));
        // SAFETY: the device is valid by the invariants of `Devices`. The actor has the IRP, and
        // its next location is filled in (invariant 1 of `Scenario`).
        self.called = unsafe { IofCallDriver(device, self.irp) };
        self.trace(format_args!(
            "IofCallDriver returned {}",
            Status(self.called)
        ));
    }

    /// `IoMarkIrpPending`
    pub(super) fn mark(&self) {
        // SAFETY: the actor has the IRP and a location in it (invariant 1 of `Scenario`).
        unsafe { IoMarkIrpPending(self.irp) };
        self.trace(format_args!("IoMarkIrpPending"));
    }

    /// Sets `IoStatus`.
    pub(super) fn set_status(&self, status: NTSTATUS, information: usize) {
        self.access().set_io_status(status, information);
        self.trace(format_args!("IoStatus = {}, {information}", Status(status)));
    }

    /// `IofCompleteRequest`
    pub(super) fn complete(&self) {
        self.trace(format_args!("IofCompleteRequest"));
        // SAFETY: the driver has the IRP, has not completed it before, and no later step of its
        // uses the IRP (invariant 1 of `Scenario`).
        unsafe { IofCompleteRequest(self.irp, 0) };
    }
}
