//! An IRP, by its fields.

use core::ffi::c_void;
use core::ptr::NonNull;

use super::location::StackLocation;
use crate::sys::constants::IO_TYPE_IRP;
use crate::sys::types::{IO_STACK_LOCATION, IRP, MDL, NTSTATUS};

/// An IRP that the holder may access now.
///
/// # Invariants
/// 1. The address is that of an IRP as `IoInitializeIrp` leaves it, with `StackCount` stack
///    locations behind it, which stays allocated as long as a copy of this value is used.
/// 2. Whoever uses a field has the IRP to itself, but for `Cancel` and `CancelRoutine`, which
///    everybody accesses atomically, at any time.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub struct Irp(NonNull<IRP>);

impl Irp {
    /// Vouches for an IRP.
    ///
    /// # Safety
    /// The invariants of this type hold as long as the result or a copy of it is used. `irp` is not
    /// null.
    #[must_use]
    #[inline]
    pub const unsafe fn new(irp: *mut IRP) -> Self {
        // INVARIANT: 1 and 2 by contract.
        // SAFETY: not null by contract.
        Self(unsafe { NonNull::new_unchecked(irp) })
    }

    /// Returns the address.
    #[must_use]
    #[inline]
    pub const fn as_ptr(self) -> *mut IRP {
        self.0.as_ptr()
    }

    /// Returns whether `Type` says that this is an IRP.
    #[must_use]
    #[inline]
    pub fn is_irp(self) -> bool {
        // SAFETY: the IRP is allocated and the holder's (invariants 1 and 2).
        let kind = unsafe { (*self.as_ptr()).Type };
        u32::try_from(kind) == Ok(IO_TYPE_IRP)
    }

    /// Returns `StackCount`, the number of stack locations.
    #[must_use]
    #[inline]
    pub fn stack_count(self) -> i8 {
        // SAFETY: the IRP is allocated and the holder's (invariants 1 and 2).
        unsafe { (*self.as_ptr()).StackCount }
    }

    /// Returns `CurrentLocation`, the number of the current stack location: one more than there are
    /// in an IRP that has not been sent and has no own location.
    #[must_use]
    #[inline]
    pub fn current_location(self) -> i8 {
        // SAFETY: the IRP is allocated and the holder's (invariants 1 and 2).
        unsafe { (*self.as_ptr()).CurrentLocation }
    }

    /// Returns `Tail.Overlay.CurrentStackLocation`, which points one past the array in an IRP
    /// without current location.
    #[must_use]
    #[inline]
    pub fn current_stack_location(self) -> *mut IO_STACK_LOCATION {
        let field = self.current_stack_location_field();
        // SAFETY: a field of an IRP that is allocated and the holder's (invariants 1 and 2).
        unsafe { field.read() }
    }

    /// Makes another stack location the current one: its number, and its address. Neither is looked
    /// at here.
    #[expect(
        clippy::not_unsafe_ptr_arg_deref,
        reason = "the address is stored, not followed"
    )]
    #[inline]
    pub fn set_current_location(self, number: i8, location: *mut IO_STACK_LOCATION) {
        // SAFETY: the IRP is allocated and the holder's (invariants 1 and 2).
        unsafe { (*self.as_ptr()).CurrentLocation = number };
        let field = self.current_stack_location_field();
        // SAFETY: a field of an IRP that is allocated and the holder's (invariants 1 and 2).
        unsafe { field.write(location) };
    }

    #[inline]
    fn current_stack_location_field(self) -> *mut *mut IO_STACK_LOCATION {
        // SAFETY: in bounds of an IRP that is allocated (invariant 1); the address of a union's
        // member needs no value in it.
        let field = unsafe {
            &raw mut (*self.as_ptr())
                .Tail
                .Overlay
                .Anonymous2
                .Anonymous
                .CurrentStackLocation
        };
        // windows-sys declares the structure, too, with another layout.
        field.cast()
    }

    /// Returns the address that belongs to a number of a stack location, whether there is such a
    /// location or not.
    #[must_use]
    #[inline]
    pub fn address_of_location(self, number: i8) -> *mut IO_STACK_LOCATION {
        let index = isize::from(number) - 1;
        // The array begins behind the IRP. Wrapping: the number may be any.
        self.as_ptr()
            .wrapping_add(1)
            .cast::<IO_STACK_LOCATION>()
            .wrapping_offset(index)
    }

    /// Returns the stack location with a number from 1 to `StackCount`; `None` for any other.
    #[must_use]
    #[inline]
    pub fn location(self, number: i8) -> Option<StackLocation> {
        (1..=self.stack_count()).contains(&number).then(|| {
            let location = self.address_of_location(number);
            // SAFETY: in the array of an IRP that is allocated and the holder's (invariants 1 and
            // 2).
            unsafe { StackLocation::new(location) }
        })
    }

    /// Returns the current stack location; `None` in an IRP that has none
    /// (`IoGetCurrentIrpStackLocation`).
    #[must_use]
    #[inline]
    pub fn current(self) -> Option<StackLocation> {
        self.location(self.current_location())
    }

    /// Returns the next lower stack location; `None` below the lowest
    /// (`IoGetNextIrpStackLocation`).
    #[must_use]
    #[inline]
    pub fn next(self) -> Option<StackLocation> {
        self.location(self.current_location().wrapping_sub(1))
    }

    /// Returns `IoStatus.Status`.
    #[must_use]
    #[inline]
    pub fn status(self) -> NTSTATUS {
        let field = self.status_field();
        // SAFETY: a field of an IRP that is allocated and the holder's (invariants 1 and 2).
        unsafe { field.read() }
    }

    /// Returns `IoStatus.Information`.
    #[must_use]
    #[inline]
    pub fn information(self) -> usize {
        // SAFETY: the IRP is allocated and the holder's (invariants 1 and 2).
        unsafe { (*self.as_ptr()).IoStatus.Information }
    }

    /// Sets `IoStatus`.
    #[inline]
    pub fn set_io_status(self, status: NTSTATUS, information: usize) {
        let field = self.status_field();
        // SAFETY: a field of an IRP that is allocated and the holder's (invariants 1 and 2).
        unsafe { field.write(status) };
        // SAFETY: as above.
        unsafe { (*self.as_ptr()).IoStatus.Information = information };
    }

    #[inline]
    fn status_field(self) -> *mut NTSTATUS {
        // SAFETY: in bounds of an IRP that is allocated (invariant 1).
        let block = unsafe { &raw mut (*self.as_ptr()).IoStatus };
        // `Status` is the first field of the block (see `LAYOUT`).
        block.cast()
    }

    /// Returns `PendingReturned`, which says something while a completion routine runs.
    #[must_use]
    #[inline]
    pub fn pending_returned(self) -> bool {
        // SAFETY: in bounds of an IRP that is allocated (invariant 1).
        let field = unsafe { &raw const (*self.as_ptr()).PendingReturned };
        // Read as the BOOLEAN that it is: the kernel does not promise 0 or 1, which a `bool` would
        // need.
        // SAFETY: the IRP is the holder's (invariant 2).
        unsafe { field.cast::<u8>().read() != 0 }
    }

    /// Sets `PendingReturned`.
    #[inline]
    pub fn set_pending_returned(self, pending: bool) {
        // SAFETY: the IRP is allocated and the holder's (invariants 1 and 2).
        unsafe { (*self.as_ptr()).PendingReturned = pending };
    }

    /// Returns `CancelIrql`, to which a cancel routine releases the cancel spin lock.
    #[must_use]
    #[inline]
    pub fn cancel_irql(self) -> u8 {
        // SAFETY: the IRP is allocated and the holder's (invariants 1 and 2).
        unsafe { (*self.as_ptr()).CancelIrql }
    }

    /// Sets `CancelIrql`.
    #[inline]
    pub fn set_cancel_irql(self, irql: u8) {
        // SAFETY: the IRP is allocated and the holder's (invariants 1 and 2).
        unsafe { (*self.as_ptr()).CancelIrql = irql };
    }

    /// Returns `MdlAddress`.
    #[must_use]
    #[inline]
    pub fn mdl_address(self) -> *mut MDL {
        // SAFETY: the IRP is allocated and the holder's (invariants 1 and 2).
        unsafe { (*self.as_ptr()).MdlAddress }
    }

    /// Sets `MdlAddress`.
    #[inline]
    pub fn set_mdl_address(self, mdl: *mut MDL) {
        // SAFETY: the IRP is allocated and the holder's (invariants 1 and 2).
        unsafe { (*self.as_ptr()).MdlAddress = mdl };
    }

    /// Returns `UserBuffer`.
    #[must_use]
    #[inline]
    pub fn user_buffer(self) -> *mut c_void {
        // SAFETY: the IRP is allocated and the holder's (invariants 1 and 2).
        unsafe { (*self.as_ptr()).UserBuffer }
    }

    /// Sets `UserBuffer`.
    #[inline]
    pub fn set_user_buffer(self, buffer: *mut c_void) {
        // SAFETY: the IRP is allocated and the holder's (invariants 1 and 2).
        unsafe { (*self.as_ptr()).UserBuffer = buffer };
    }

    /// Returns `AssociatedIrp.SystemBuffer`.
    #[must_use]
    #[inline]
    pub fn system_buffer(self) -> *mut c_void {
        let field = self.system_buffer_field();
        // SAFETY: a field of an IRP that is allocated and the holder's (invariants 1 and 2).
        unsafe { field.read() }
    }

    /// Sets `AssociatedIrp.SystemBuffer`.
    #[expect(
        clippy::not_unsafe_ptr_arg_deref,
        reason = "the address is stored, not followed"
    )]
    #[inline]
    pub fn set_system_buffer(self, buffer: *mut c_void) {
        let field = self.system_buffer_field();
        // SAFETY: a field of an IRP that is allocated and the holder's (invariants 1 and 2).
        unsafe { field.write(buffer) };
    }

    #[inline]
    fn system_buffer_field(self) -> *mut *mut c_void {
        // SAFETY: in bounds of an IRP that is allocated (invariant 1).
        let union = unsafe { &raw mut (*self.as_ptr()).AssociatedIrp };
        // Every member of the union begins at its address.
        union.cast()
    }
}
