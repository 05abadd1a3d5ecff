//! Fields of an IRP, and the macros of wdm.h that `wdm_irp::sys` does not have.

use core::ffi::c_void;
use core::mem::offset_of;
use core::ptr::{copy_nonoverlapping, null_mut};
use core::sync::atomic::{AtomicPtr, Ordering};

use wdm_irp::sys::{
    self, DEVICE_OBJECT, IO_STACK_LOCATION, IRP, MDL, NTSTATUS, PARAMETERS_OTHERS,
    PIO_COMPLETION_ROUTINE, SL_INVOKE_ALWAYS,
};

/// An IRP that the actor may access now.
///
/// # Invariants
/// `0` is an IRP, and the script says that the actor has it.
#[derive(Clone, Copy)]
pub(crate) struct Irp(*mut IRP);

impl Irp {
    /// Vouches for an IRP.
    ///
    /// # Safety
    /// By the type's invariant, as long as the result is used.
    pub(crate) const unsafe fn new(irp: *mut IRP) -> Self {
        // INVARIANT: by contract.
        Self(irp)
    }

    pub(crate) fn stack_count(self) -> i8 {
        // SAFETY: by the type's invariant.
        unsafe { (*self.0).StackCount }
    }

    pub(crate) fn current_location(self) -> i8 {
        // SAFETY: by the type's invariant.
        unsafe { (*self.0).CurrentLocation }
    }

    pub(crate) fn status(self) -> NTSTATUS {
        // SAFETY: by the type's invariant.
        unsafe { sys::irp_status(self.0) }
    }

    pub(crate) fn information(self) -> usize {
        // SAFETY: by the type's invariant.
        unsafe { (*self.0).IoStatus.Information }
    }

    pub(crate) fn pending_returned(self) -> bool {
        // SAFETY: by the type's invariant.
        unsafe { sys::irp_pending_returned(self.0) }
    }

    /// `Cancel`, as the byte that a BOOLEAN is.
    pub(crate) fn cancel(self) -> u8 {
        // SAFETY: by the type's invariant.
        let cancel = unsafe { &raw const (*self.0).Cancel };
        // SAFETY: as above.
        unsafe { cancel.cast::<u8>().read() }
    }

    pub(crate) fn cancel_irql(self) -> u8 {
        // SAFETY: by the type's invariant.
        unsafe { (*self.0).CancelIrql }
    }

    pub(crate) fn has_cancel_routine(self) -> bool {
        // SAFETY: by the type's invariant.
        let routine = unsafe { &raw mut (*self.0).CancelRoutine };
        // SAFETY: the field is a pointer, and only ever accessed atomically.
        let routine = unsafe { &*routine.cast::<AtomicPtr<c_void>>() };
        !routine.load(Ordering::Acquire).is_null()
    }

    pub(crate) fn mdl(self) -> *mut MDL {
        // SAFETY: by the type's invariant.
        unsafe { (*self.0).MdlAddress }
    }

    pub(crate) fn detach_mdls(self) {
        // SAFETY: by the type's invariant.
        unsafe { (*self.0).MdlAddress = null_mut() };
    }

    /// The current stack location, if there is one: not in an originator's IRP without own location.
    pub(crate) fn current(self) -> Option<Location> {
        (self.current_location() <= self.stack_count()).then(|| {
            // SAFETY: by the type's invariant.
            let location = unsafe { sys::IoGetCurrentIrpStackLocation(self.0) };
            // INVARIANT: a location of an IRP that the actor has.
            Location(location)
        })
    }

    /// `IoGetNextIrpStackLocation`; the script has asked for enough locations.
    pub(crate) fn next(self) -> Location {
        // SAFETY: by the type's invariant; there is a next location.
        let location = unsafe { sys::IoGetNextIrpStackLocation(self.0) };
        // INVARIANT: as in `current`.
        Location(location)
    }

    /// `IoCopyCurrentIrpStackLocationToNext`: everything before the routine; it clears the control bits.
    pub(crate) fn copy_to_next(self) {
        const BYTES: usize = offset_of!(IO_STACK_LOCATION, CompletionRoutine);
        let Some(current) = self.current() else {
            return;
        };
        let next = self.next();
        // SAFETY: two locations of the IRP, which do not overlap.
        unsafe { copy_nonoverlapping(current.0.cast::<u8>(), next.0.cast::<u8>(), BYTES) };
        next.set_control(0);
    }

    /// `IoSkipCurrentIrpStackLocation`
    pub(crate) fn skip(self) {
        // SAFETY: by the type's invariant.
        unsafe { (*self.0).CurrentLocation += 1 };
        // SAFETY: by the type's invariant; the address of a member of a union needs no valid value in it.
        let cell = unsafe {
            &raw mut (*self.0)
                .Tail
                .Overlay
                .Anonymous2
                .Anonymous
                .CurrentStackLocation
        };
        let cell = cell.cast::<*mut IO_STACK_LOCATION>();
        // SAFETY: as above.
        let current = unsafe { cell.read() };
        // SAFETY: the location above, or the end of the array.
        let above = unsafe { current.add(1) };
        // SAFETY: as for reading.
        unsafe { cell.write(above) };
    }

    /// `IoSetCompletionRoutine`
    pub(crate) fn set_routine(
        self,
        routine: PIO_COMPLETION_ROUTINE,
        context: *mut c_void,
        control: u8,
    ) {
        if control == SL_INVOKE_ALWAYS {
            // SAFETY: there is a next location; routine and context stay until the scenario ends.
            unsafe { sys::IoSetCompletionRoutine(self.0, routine, context) };
            return;
        }
        let next = self.next();
        // SAFETY: by the type's invariant.
        unsafe { (*next.0).CompletionRoutine = routine };
        // SAFETY: as above.
        unsafe { (*next.0).Context = context };
        next.set_control(control);
    }
}

/// A stack location that the actor may access now.
///
/// # Invariants
/// `0` is a location of an [`Irp`].
#[derive(Clone, Copy)]
pub(crate) struct Location(*mut IO_STACK_LOCATION);

impl Location {
    pub(crate) fn major(self) -> u8 {
        // SAFETY: by the type's invariant.
        unsafe { (*self.0).MajorFunction }
    }

    pub(crate) fn minor(self) -> u8 {
        // SAFETY: by the type's invariant.
        unsafe { (*self.0).MinorFunction }
    }

    pub(crate) fn control(self) -> u8 {
        // SAFETY: by the type's invariant.
        unsafe { (*self.0).Control }
    }

    fn set_control(self, control: u8) {
        // SAFETY: by the type's invariant.
        unsafe { (*self.0).Control = control };
    }

    pub(crate) fn device(self) -> *mut DEVICE_OBJECT {
        // SAFETY: by the type's invariant.
        unsafe { (*self.0).DeviceObject }
    }

    pub(crate) fn set_device(self, device: *mut DEVICE_OBJECT) {
        // SAFETY: by the type's invariant.
        unsafe { (*self.0).DeviceObject = device };
    }

    fn parameters(self) -> *mut PARAMETERS_OTHERS {
        // SAFETY: by the type's invariant.
        let parameters = unsafe { &raw mut (*self.0).Parameters };
        parameters.cast()
    }

    /// `Parameters.Others.Argument4`, by which the drivers of the script find their scenario.
    pub(crate) fn bench(self) -> *mut c_void {
        // SAFETY: by the type's invariant; the originator has filled in all four arguments.
        unsafe { (*self.parameters()).Argument4 }
    }

    /// Fills the location in for a request of the script.
    pub(crate) fn fill(self, major: u8, minor: u8, bench: *mut c_void) {
        // SAFETY: by the type's invariant.
        unsafe { (*self.0).MajorFunction = major };
        // SAFETY: as above.
        unsafe { (*self.0).MinorFunction = minor };
        let arguments = PARAMETERS_OTHERS {
            Argument1: null_mut(),
            Argument2: null_mut(),
            Argument3: null_mut(),
            Argument4: bench,
        };
        // SAFETY: as above.
        unsafe { self.parameters().write(arguments) };
    }
}
