//! The steps that allocate, send, mark, complete and free an IRP.

use core::ptr::null_mut;
use core::sync::atomic::Ordering;

use wdm_irp::sys::{
    IoAllocateIrp, IoFreeIrp, IoMarkIrpPending, IoSetNextIrpStackLocation, IofCallDriver,
    IofCompleteRequest, NTSTATUS, set_irp_status,
};

use super::act::Act;
use crate::script::Actor;
use crate::show::{Control, Status};

impl Act<'_> {
    pub(super) fn allocate(&mut self, stack_size: i8) {
        // SAFETY: the stack sizes of the script are positive.
        self.irp = unsafe { IoAllocateIrp(stack_size, 0) };
        self.bench().irps[self.actor.index()].store(self.irp, Ordering::Release);
        let null = if self.irp.is_null() { ": NULL" } else { "" };
        self.trace(format_args!("IoAllocateIrp({stack_size}){null}"));
    }

    pub(super) fn free(&mut self) {
        // SAFETY: the originator has the IRP.
        unsafe { IoFreeIrp(self.irp) };
        self.irp = null_mut();
        self.trace(format_args!("IoFreeIrp"));
    }

    pub(super) fn own_location(&self) {
        // SAFETY: the originator has the IRP, and has asked for the location.
        unsafe { IoSetNextIrpStackLocation(self.irp) };
        if let Some(location) = self.access().current() {
            location.set_device(self.bench().devices.of(Actor::Originator));
        }
        let current = self.access().current_location();
        self.trace(format_args!(
            "IoSetNextIrpStackLocation: location {current}"
        ));
    }

    pub(super) fn next(&self, major: u32, minor: u8) {
        let major = major.to_le_bytes()[0];
        let bench = self.bench.cast_mut().cast();
        self.access().next().fill(major, minor, bench);
        self.trace(format_args!("IoGetNextIrpStackLocation"));
    }

    pub(super) fn copy(&self) {
        self.access().copy_to_next();
        self.trace(format_args!("IoCopyCurrentIrpStackLocationToNext"));
    }

    pub(super) fn skip(&self) {
        self.access().skip();
        let current = self.access().current_location();
        self.trace(format_args!(
            "IoSkipCurrentIrpStackLocation: location {current}"
        ));
    }

    pub(super) fn set_routine(&self, control: u8) {
        let routine = self.bench().routines[self.actor.index()];
        let context = self.bench.cast_mut().cast();
        self.access().set_routine(routine, context, control);
        self.trace(format_args!("IoSetCompletionRoutine({})", Control(control)));
    }

    pub(super) fn call(&mut self, below: Actor) {
        let device = self.bench().devices.of(below);
        self.trace(format_args!("IofCallDriver({})", below.name()));
        // SAFETY: the actor has the IRP, and its next location is filled in.
        self.called = unsafe { IofCallDriver(device, self.irp) };
        self.trace(format_args!(
            "IofCallDriver returned {}",
            Status(self.called)
        ));
    }

    pub(super) fn mark(&self) {
        // SAFETY: the actor has the IRP and a location in it.
        unsafe { IoMarkIrpPending(self.irp) };
        self.trace(format_args!("IoMarkIrpPending"));
    }

    pub(super) fn set_status(&self, status: NTSTATUS, information: usize) {
        // SAFETY: the actor has the IRP.
        unsafe { set_irp_status(self.irp, status, information) };
        self.trace(format_args!("IoStatus = {}, {information}", Status(status)));
    }

    pub(super) fn complete(&self) {
        self.trace(format_args!("IofCompleteRequest"));
        // SAFETY: the actor has the IRP, and does not use it any more.
        unsafe { IofCompleteRequest(self.irp, 0) };
    }
}
