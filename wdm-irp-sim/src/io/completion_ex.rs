//! `IoSetCompletionRoutineEx`: a registration that holds the driver's device.

use std::ffi::c_void;

use wdm_irp::sys::irp::Irp;
use wdm_irp::sys::{
    DEVICE_OBJECT, DISPATCH_LEVEL, IRP, NTSTATUS, PIO_COMPLETION_ROUTINE,
    STATUS_INSUFFICIENT_RESOURCES, STATUS_INVALID_PARAMETER, STATUS_MORE_PROCESSING_REQUIRED,
    STATUS_SUCCESS,
};

use crate::fault::Allocation;
use crate::kernel::irps::Owner;
use crate::kernel::references::Change;
use crate::kernel::registrations::{Context, Registration};
use crate::kernel::{Kernel, objects, this_thread};
use crate::memory::Memory;
use crate::report::kind::ViolationKind;
use crate::report::timeline::Lane;
use crate::sync::{Arc, lock};

impl Kernel {
    /// Registers a completion routine, and holds the device until it has returned
    /// (`IoSetCompletionRoutineEx`).
    ///
    /// # Safety
    /// `irp` is the caller's, or is known to the ledger as something else.
    pub(crate) unsafe fn IoSetCompletionRoutineEx(
        self: &Arc<Self>,
        device: *mut DEVICE_OBJECT,
        irp: *mut IRP,
        routine: PIO_COMPLETION_ROUTINE,
        context: *mut c_void,
        control: u8,
    ) -> NTSTATUS {
        const FUNCTION: &str = "IoSetCompletionRoutineEx";
        let known = {
            let mut ledger = lock(&self.ledger);
            let record = ledger.irp_at(irp.addr());
            record.map(|(number, record)| (number, record.owner))
        };
        let number = known.map(|(number, _)| number);
        self.check_irql(DISPATCH_LEVEL, number, FUNCTION);
        let refuse = |kind, what: &str| {
            self.violate(kind, number, &format!("{FUNCTION} {what}"));
            STATUS_INVALID_PARAMETER
        };
        let number = match known {
            None => return refuse(ViolationKind::UnknownIrp, "on something that is no IRP"),
            Some((_, Owner::Freed)) => {
                return refuse(ViolationKind::FreedIrpUsed, "on an IRP that is freed");
            }
            Some((number, Owner::Originator | Owner::InFlight)) => number,
        };
        if objects::device(device).is_none() {
            let what = "with something that is no device object";
            return refuse(ViolationKind::UnknownDevice, what);
        }
        if !is_of_caller(device) {
            let what = "with a device that is not the calling driver's";
            refuse(ViolationKind::NotOwnDevice, what);
        }
        // SAFETY: allocated, as the ledger says, and the caller's by its contract.
        let access = unsafe { Irp::new(irp) };
        let Some(next) = access.next() else {
            let what = "on an IRP that has no stack location left";
            return refuse(ViolationKind::NoMoreStackLocations, what);
        };
        if self.faults.take(Allocation::Registration) {
            let text = format!("{FUNCTION} returned STATUS_INSUFFICIENT_RESOURCES");
            self.call(Some(number), text);
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        let memory = Memory::zeroed(size_of::<Context>());
        let block = memory.as_ptr();
        objects::insert(block.addr(), self);
        self.hold_object(device.addr());
        let registration = Registration {
            memory,
            irp: number,
            device: device.addr(),
            routine,
            context: Context(context),
        };
        lock(&self.ledger)
            .registrations
            .insert(block.addr(), registration);
        next.set_completion_routine(Some(run_registered), block.cast(), control);
        self.call(Some(number), FUNCTION);
        STATUS_SUCCESS
    }
}

/// Returns whether a device is the calling driver's.
fn is_of_caller(device: *mut DEVICE_OBJECT) -> bool {
    let caller = match this_thread::lane() {
        Lane::Routine => Lane::Originator,
        lane => lane,
    };
    objects::lane_of(device) == caller
}

/// Calls a registered routine, and releases the registration and the device afterwards.
///
/// # Safety
/// The I/O manager calls it, for an IRP that [`Kernel::IoSetCompletionRoutineEx`] was called for.
unsafe extern "system" fn run_registered(
    device: *mut DEVICE_OBJECT,
    irp: *mut IRP,
    context: *mut c_void,
) -> NTSTATUS {
    let Some(kernel) = objects::kernel_of(context.addr()) else {
        return STATUS_MORE_PROCESSING_REQUIRED;
    };
    let registration = lock(&kernel.ledger).registrations.remove(&context.addr());
    let Some(registration) = registration else {
        kernel.violate(
            ViolationKind::RegistrationUsedTwice,
            this_thread::last_irp(&kernel),
            "an IRP was sent again with the routine of an IoSetCompletionRoutineEx that has run",
        );
        return STATUS_MORE_PROCESSING_REQUIRED;
    };
    let returned = registration.routine.map_or(STATUS_SUCCESS, |routine| {
        // SAFETY: the driver has registered the routine and its context for this IRP, and keeps
        // both valid until the routine has run. The IRP is the routine's from here on.
        unsafe { routine(device, irp, registration.context.0) }
    });
    // Only now: the device keeps the driver, and with it the routine's last instruction.
    kernel.change_object(registration.device, Change::NotHeld);
    let damaged =
        lock(&kernel.ledger).free_memory(registration.memory, None, "registration of a routine");
    if let Some((irp, text)) = damaged {
        kernel.violate(ViolationKind::WriteAfterFree, irp, &text);
    }
    returned
}
