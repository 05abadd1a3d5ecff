//! IRPs in memory: layout, initialisation, and field access in the words of the WDK.

use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicU8, Ordering};

use wdm_irp::sys;
use wdm_irp::sys::{
    DEVICE_OBJECT, IO_STACK_LOCATION, IO_STACK_LOCATION_Parameters, IO_TYPE_IRP, IRP, MDL,
    NTSTATUS, PARAMETERS_DEVICE_IO_CONTROL, PARAMETERS_OTHERS, PARAMETERS_READ, PDRIVER_CANCEL,
    PIO_COMPLETION_ROUTINE,
};

use crate::memory::{Memory, POISON};

/// Bytes of a stack location.
const LOCATION: usize = size_of::<IO_STACK_LOCATION>();

/// Bytes behind the last stack location that nobody may touch. Miri needs none: it knows where an allocation ends.
const GUARD: usize = if cfg!(miri) { 0 } else { LOCATION };

/// Bytes of an IRP with its stack locations.
fn size_of_irp(stack_count: i8) -> usize {
    size_of::<IRP>() + usize::from(stack_count.unsigned_abs()) * LOCATION
}

/// Allocates an IRP and initialises it like `IoInitializeIrp`.
pub(crate) fn allocate(stack_count: i8) -> Memory {
    let size = size_of_irp(stack_count);
    let memory = Memory::zeroed(size + GUARD);
    // SAFETY: nobody else knows the memory yet.
    unsafe { memory.fill(size..size + GUARD, POISON) };
    let irp = memory.cast::<IRP>();
    // SAFETY: the memory is large enough for an IRP, zeroed, which is a valid IRP, and nobody else knows it.
    let fields = unsafe { &mut *irp };
    fields.Type = i16::try_from(IO_TYPE_IRP).expect("IO_TYPE_IRP is 6");
    fields.Size = u16::try_from(size).expect("at most 127 locations");
    fields.StackCount = stack_count;
    // SAFETY: in bounds of the IRP.
    let links = unsafe { &raw mut (*irp).ThreadListEntry };
    // SAFETY: as above; an empty list points to itself.
    unsafe { (*links).Flink = links };
    // SAFETY: as above.
    unsafe { (*links).Blink = links };
    // SAFETY: a valid IRP that nobody else knows.
    let access = unsafe { IrpAccess::new(irp) };
    access.set_current_location(stack_count + 1);
    memory
}

/// Whether nobody has written behind the last stack location.
///
/// # Safety
/// `memory` is an IRP of [`allocate`] with this stack count, and nobody writes to it during the call.
pub(crate) unsafe fn guard_is_intact(memory: &Memory, stack_count: i8) -> bool {
    let size = size_of_irp(stack_count);
    // SAFETY: nobody writes by contract.
    unsafe { memory.is_filled(size..size + GUARD, POISON) }
}

/// What a write behind the last stack location is.
pub(crate) const OVERRUN: &str = "memory behind the last stack location was written to: IoMarkIrpPending, or a use of \
     the current stack location, on an IRP without own location";

/// An IRP that the holder may access now.
///
/// # Invariants
/// `0` is an IRP of [`allocate`], is allocated, and belongs to the code that uses this value, except for the fields
/// that are accessed atomically.
#[derive(Clone, Copy)]
pub(crate) struct IrpAccess(*mut IRP);

impl IrpAccess {
    /// Vouches for an IRP.
    ///
    /// # Safety
    /// `irp` is an IRP of [`allocate`], which stays allocated and the caller's while the result is used.
    pub(crate) const unsafe fn new(irp: *mut IRP) -> Self {
        // INVARIANT: by contract.
        Self(irp)
    }

    pub(crate) const fn as_ptr(self) -> *mut IRP {
        self.0
    }

    pub(crate) fn is_irp(self) -> bool {
        // SAFETY: by the type's invariant.
        let kind = unsafe { (*self.0).Type };
        u32::try_from(kind) == Ok(IO_TYPE_IRP)
    }

    pub(crate) fn stack_count(self) -> i8 {
        // SAFETY: by the type's invariant.
        unsafe { (*self.0).StackCount }
    }

    pub(crate) fn current_location(self) -> i8 {
        // SAFETY: by the type's invariant.
        unsafe { (*self.0).CurrentLocation }
    }

    /// The address that `Tail.Overlay.CurrentStackLocation` holds.
    pub(crate) fn current_location_address(self) -> usize {
        // SAFETY: by the type's invariant the IRP is valid.
        unsafe { sys::IoGetCurrentIrpStackLocation(self.0) }.addr()
    }

    /// The address that belongs there for the location with this number.
    pub(crate) fn address_of_location(self, number: i8) -> usize {
        self.location_pointer(number).addr()
    }

    fn location_pointer(self, number: i8) -> *mut IO_STACK_LOCATION {
        let index = isize::from(number) - 1;
        // Wrapping: the number may be one past the array.
        self.0
            .wrapping_byte_add(size_of::<IRP>())
            .cast::<IO_STACK_LOCATION>()
            .wrapping_offset(index)
    }

    /// Sets the number and the address of the current stack location.
    pub(crate) fn set_current_location(self, number: i8) {
        // SAFETY: by the type's invariant.
        unsafe { (*self.0).CurrentLocation = number };
        // SAFETY: by the type's invariant; writing a member of a union needs no valid value in it.
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
        unsafe { cell.write(self.location_pointer(number)) };
    }

    /// A stack location by its number, 1 to `StackCount`; `None` for any other.
    pub(crate) fn location(self, number: i8) -> Option<LocationAccess> {
        (1..=self.stack_count())
            .contains(&number)
            // INVARIANT: in the array of an IRP that the holder may access.
            .then(|| LocationAccess(self.location_pointer(number)))
    }

    pub(crate) fn status(self) -> NTSTATUS {
        // SAFETY: by the type's invariant.
        unsafe { sys::irp_status(self.0) }
    }

    pub(crate) fn information(self) -> usize {
        // SAFETY: by the type's invariant.
        unsafe { (*self.0).IoStatus.Information }
    }

    pub(crate) fn set_status(self, status: NTSTATUS, information: usize) {
        // SAFETY: by the type's invariant.
        unsafe { sys::set_irp_status(self.0, status, information) };
    }

    pub(crate) fn set_pending_returned(self, pending: bool) {
        // SAFETY: by the type's invariant.
        unsafe { (*self.0).PendingReturned = pending };
    }

    fn cancel_cell<'a>(self) -> &'a AtomicU8 {
        // SAFETY: by the type's invariant.
        let cell = unsafe { &raw mut (*self.0).Cancel };
        // SAFETY: a BOOLEAN has the size and alignment of `AtomicU8`; while an IRP is in flight, the model and
        // drivers access it atomically only.
        unsafe { AtomicU8::from_ptr(cell.cast()) }
    }

    pub(crate) fn is_cancelled(self) -> bool {
        self.cancel_cell().load(Ordering::Acquire) != 0
    }

    pub(crate) fn set_cancelled(self) {
        self.cancel_cell().store(1, Ordering::Release);
    }

    /// `IoSetCancelRoutine`
    pub(crate) fn exchange_cancel_routine(self, routine: PDRIVER_CANCEL) -> PDRIVER_CANCEL {
        // SAFETY: by the type's invariant; functions live for ever.
        unsafe { sys::IoSetCancelRoutine(self.0, routine) }
    }

    pub(crate) fn cancel_irql(self) -> u8 {
        // SAFETY: by the type's invariant.
        unsafe { (*self.0).CancelIrql }
    }

    pub(crate) fn set_cancel_irql(self, irql: u8) {
        // SAFETY: by the type's invariant.
        unsafe { (*self.0).CancelIrql = irql };
    }

    pub(crate) fn mdl(self) -> *mut MDL {
        // SAFETY: by the type's invariant.
        unsafe { (*self.0).MdlAddress }
    }

    pub(crate) fn set_mdl(self, mdl: *mut MDL) {
        // SAFETY: by the type's invariant.
        unsafe { (*self.0).MdlAddress = mdl };
    }

    pub(crate) fn user_buffer(self) -> *mut c_void {
        // SAFETY: by the type's invariant.
        unsafe { (*self.0).UserBuffer }
    }

    pub(crate) fn system_buffer(self) -> *mut c_void {
        // SAFETY: by the type's invariant.
        let cell = unsafe { sys::irp_system_buffer(self.0) };
        // SAFETY: as above.
        unsafe { cell.read() }
    }
}

/// A stack location that the holder may access now.
///
/// # Invariants
/// `0` is in the array of locations of an IRP for which an [`IrpAccess`] would be valid.
#[derive(Clone, Copy)]
pub(crate) struct LocationAccess(*mut IO_STACK_LOCATION);

impl LocationAccess {
    pub(crate) fn major(self) -> u8 {
        // SAFETY: by the type's invariant.
        unsafe { (*self.0).MajorFunction }
    }

    pub(crate) fn minor(self) -> u8 {
        // SAFETY: by the type's invariant.
        unsafe { (*self.0).MinorFunction }
    }

    pub(crate) fn flags(self) -> u8 {
        // SAFETY: by the type's invariant.
        unsafe { (*self.0).Flags }
    }

    pub(crate) fn control(self) -> u8 {
        // SAFETY: by the type's invariant.
        unsafe { (*self.0).Control }
    }

    pub(crate) fn set_control(self, control: u8) {
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

    pub(crate) fn routine(self) -> PIO_COMPLETION_ROUTINE {
        // SAFETY: by the type's invariant.
        unsafe { (*self.0).CompletionRoutine }
    }

    pub(crate) fn context(self) -> *mut c_void {
        // SAFETY: by the type's invariant.
        unsafe { (*self.0).Context }
    }

    pub(crate) fn set_routine(self, routine: PIO_COMPLETION_ROUTINE, context: *mut c_void) {
        // SAFETY: by the type's invariant.
        unsafe { (*self.0).CompletionRoutine = routine };
        // SAFETY: as above.
        unsafe { (*self.0).Context = context };
    }

    /// The arguments, whose members all begin at the same address.
    fn parameters(self) -> *mut IO_STACK_LOCATION_Parameters {
        // SAFETY: by the type's invariant.
        unsafe { &raw mut (*self.0).Parameters }
    }

    /// The arguments of a read or write.
    ///
    /// The caller has looked at the major function: the members of the union differ in what is padding.
    pub(crate) fn read_parameters(self) -> PARAMETERS_READ {
        // SAFETY: the location is the holder's, and initialised for its major function.
        unsafe { self.parameters().cast::<PARAMETERS_READ>().read() }
    }

    /// The arguments of a device control request, as for [`Self::read_parameters`].
    pub(crate) fn control_parameters(self) -> PARAMETERS_DEVICE_IO_CONTROL {
        // SAFETY: the location is the holder's, and initialised for its major function.
        unsafe {
            self.parameters()
                .cast::<PARAMETERS_DEVICE_IO_CONTROL>()
                .read()
        }
    }

    /// The arguments of any other request, as for [`Self::read_parameters`].
    pub(crate) fn other_parameters(self) -> PARAMETERS_OTHERS {
        // SAFETY: the location is the holder's, and initialised for its major function.
        unsafe { self.parameters().cast::<PARAMETERS_OTHERS>().read() }
    }

    /// What the I/O manager clears in a location that has been completed.
    pub(crate) fn clear(self) {
        // SAFETY: by the type's invariant.
        unsafe { (*self.0).MinorFunction = 0 };
        // SAFETY: as above.
        unsafe { (*self.0).Flags = 0 };
        // SAFETY: as above.
        unsafe { (*self.0).Control = 0 };
        let nothing = PARAMETERS_OTHERS {
            Argument1: std::ptr::null_mut(),
            Argument2: std::ptr::null_mut(),
            Argument3: std::ptr::null_mut(),
            Argument4: std::ptr::null_mut(),
        };
        // SAFETY: as above.
        unsafe { self.parameters().cast::<PARAMETERS_OTHERS>().write(nothing) };
        // SAFETY: as above.
        unsafe { (*self.0).FileObject = std::ptr::null_mut() };
    }

    /// `IoCopyCurrentIrpStackLocationToNext`: everything but the routine and its registration.
    pub(crate) fn copy_to_next(self, next: Self) {
        const UNTIL_ROUTINE: usize = std::mem::offset_of!(IO_STACK_LOCATION, CompletionRoutine);
        // As bytes that may be uninitialised: a parameter may have padding.
        let from = self.0.cast::<MaybeUninit<u8>>();
        let to = next.0.cast::<MaybeUninit<u8>>();
        // SAFETY: two locations of the array, which do not overlap.
        unsafe { to.copy_from_nonoverlapping(from, UNTIL_ROUTINE) };
        next.set_control(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_irp_is_initialised_as_windows_does() {
        let memory = allocate(3);
        let irp = memory.cast::<IRP>();
        // SAFETY: just allocated.
        let access = unsafe { IrpAccess::new(irp) };
        // SAFETY: as above.
        assert_eq!(unsafe { (*irp).Size }, 208 + 3 * 72);
        assert!(access.is_irp());
        assert_eq!(access.stack_count(), 3);
        assert_eq!(access.current_location(), 4);
        assert_eq!(
            access.current_location_address(),
            irp.addr() + 208 + 3 * 72,
            "one past the array"
        );
        assert_eq!(memory.size(), 208 + 3 * 72 + GUARD);
        assert_eq!(irp.addr() % 16, 0);
        assert!(access.location(0).is_none());
        assert!(access.location(1).is_some());
        assert!(access.location(4).is_none());
        // SAFETY: nobody else knows the IRP.
        assert!(unsafe { guard_is_intact(&memory, 3) });
    }

    #[test]
    #[cfg(not(miri))]
    fn marking_past_the_array_shows() {
        let memory = allocate(1);
        let irp = memory.cast::<IRP>();
        // SAFETY: out of bounds of the IRP, but in bounds of the allocation with its guard.
        unsafe { sys::IoMarkIrpPending(irp) };
        // SAFETY: nobody else knows the IRP.
        assert!(!unsafe { guard_is_intact(&memory, 1) });
    }
}
