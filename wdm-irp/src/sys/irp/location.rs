//! A stack location, by its fields.

use core::ffi::c_void;
use core::mem::{MaybeUninit, offset_of};

use crate::sys::constants::SL_PENDING_RETURNED;
use crate::sys::types::{
    DEVICE_OBJECT, FILE_OBJECT, IO_STACK_LOCATION, PARAMETERS_DEVICE_IO_CONTROL, PARAMETERS_OTHERS,
    PARAMETERS_READ, PIO_COMPLETION_ROUTINE,
};

/// A stack location that the holder may access now.
///
/// # Invariants
/// 1. The address is that of a stack location in the array of an IRP, which stays allocated as long
///    as a copy of this value is used.
/// 2. The location is the holder's: nobody else accesses it meanwhile.
/// 3. Its arguments are initialized for its major function, but for padding, when they are read.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub struct StackLocation(*mut IO_STACK_LOCATION);

impl StackLocation {
    /// Vouches for a stack location.
    ///
    /// # Safety
    /// The invariants of this type hold as long as the result or a copy of it is used.
    #[must_use]
    #[inline]
    pub const unsafe fn new(location: *mut IO_STACK_LOCATION) -> Self {
        // INVARIANT: 1 and 2 by contract.
        Self(location)
    }

    /// Returns the address.
    #[must_use]
    #[inline]
    pub const fn as_ptr(self) -> *mut IO_STACK_LOCATION {
        self.0
    }

    /// Returns `MajorFunction`.
    #[must_use]
    #[inline]
    pub fn major_function(self) -> u8 {
        // SAFETY: the location is allocated and the holder's (invariants 1 and 2).
        unsafe { (*self.0).MajorFunction }
    }

    /// Returns `MinorFunction`.
    #[must_use]
    #[inline]
    pub fn minor_function(self) -> u8 {
        // SAFETY: the location is allocated and the holder's (invariants 1 and 2).
        unsafe { (*self.0).MinorFunction }
    }

    /// Sets `MajorFunction` and `MinorFunction`.
    #[inline]
    pub fn set_function(self, major: u8, minor: u8) {
        // SAFETY: the location is allocated and the holder's (invariants 1 and 2).
        unsafe { (*self.0).MajorFunction = major };
        // SAFETY: as above.
        unsafe { (*self.0).MinorFunction = minor };
    }

    /// Returns `Flags`.
    #[must_use]
    #[inline]
    pub fn flags(self) -> u8 {
        // SAFETY: the location is allocated and the holder's (invariants 1 and 2).
        unsafe { (*self.0).Flags }
    }

    /// Sets `Flags`.
    #[inline]
    pub fn set_flags(self, flags: u8) {
        // SAFETY: the location is allocated and the holder's (invariants 1 and 2).
        unsafe { (*self.0).Flags = flags };
    }

    /// Returns `Control`.
    #[must_use]
    #[inline]
    pub fn control(self) -> u8 {
        // SAFETY: the location is allocated and the holder's (invariants 1 and 2).
        unsafe { (*self.0).Control }
    }

    /// Sets `Control`.
    #[inline]
    pub fn set_control(self, control: u8) {
        // SAFETY: the location is allocated and the holder's (invariants 1 and 2).
        unsafe { (*self.0).Control = control };
    }

    /// Marks the IRP pending at this location (`IoMarkIrpPending`).
    #[inline]
    pub fn mark_pending(self) {
        self.set_control(self.control() | SL_PENDING_RETURNED);
    }

    /// Returns `DeviceObject`.
    #[must_use]
    #[inline]
    pub fn device_object(self) -> *mut DEVICE_OBJECT {
        // SAFETY: the location is allocated and the holder's (invariants 1 and 2).
        unsafe { (*self.0).DeviceObject }
    }

    /// Sets `DeviceObject`.
    #[inline]
    pub fn set_device_object(self, device: *mut DEVICE_OBJECT) {
        // SAFETY: the location is allocated and the holder's (invariants 1 and 2).
        unsafe { (*self.0).DeviceObject = device };
    }

    /// Returns `FileObject`.
    #[must_use]
    #[inline]
    pub fn file_object(self) -> *mut FILE_OBJECT {
        // SAFETY: the location is allocated and the holder's (invariants 1 and 2).
        unsafe { (*self.0).FileObject }
    }

    /// Sets `FileObject`.
    #[inline]
    pub fn set_file_object(self, file: *mut FILE_OBJECT) {
        // SAFETY: the location is allocated and the holder's (invariants 1 and 2).
        unsafe { (*self.0).FileObject = file };
    }

    /// Returns `CompletionRoutine`, the routine of the driver above.
    #[must_use]
    #[inline]
    pub fn completion_routine(self) -> PIO_COMPLETION_ROUTINE {
        // SAFETY: the location is allocated and the holder's (invariants 1 and 2).
        unsafe { (*self.0).CompletionRoutine }
    }

    /// Returns `Context`, which `CompletionRoutine` is called with.
    #[must_use]
    #[inline]
    pub fn context(self) -> *mut c_void {
        // SAFETY: the location is allocated and the holder's (invariants 1 and 2).
        unsafe { (*self.0).Context }
    }

    /// Sets `CompletionRoutine` and `Context`, and `Control` to `SL_INVOKE_ON_…` flags: what
    /// `IoSetCompletionRoutine` does to the next stack location.
    #[inline]
    pub fn set_completion_routine(
        self,
        routine: PIO_COMPLETION_ROUTINE,
        context: *mut c_void,
        control: u8,
    ) {
        // SAFETY: the location is allocated and the holder's (invariants 1 and 2).
        unsafe { (*self.0).CompletionRoutine = routine };
        // SAFETY: as above.
        unsafe { (*self.0).Context = context };
        self.set_control(control);
    }

    /// Copies everything but routine, context and `Control`, which becomes 0, to the next lower
    /// location (`IoCopyCurrentIrpStackLocationToNext`).
    #[inline]
    pub fn copy_to(self, next: Self) {
        const BYTES: usize = offset_of!(IO_STACK_LOCATION, CompletionRoutine);
        // Bytes, not a structure, and maybe uninitialized: parameters have padding.
        let from = self.0.cast::<MaybeUninit<u8>>();
        let to = next.0.cast::<MaybeUninit<u8>>();
        // SAFETY: both locations are allocated and the holder's (invariants 1 and 2). `copy_from`
        // allows that they are the same.
        unsafe { to.copy_from(from, BYTES) };
        next.set_control(0);
    }

    /// Returns the arguments of a read or write. The holder has looked at the major function.
    #[must_use]
    #[inline]
    pub fn read_parameters(self) -> PARAMETERS_READ {
        // SAFETY: the location is the holder's, and initialized for its major function (invariants
        // 2 and 3).
        unsafe { self.parameters::<PARAMETERS_READ>().read() }
    }

    /// Returns the arguments of a device control request. The holder has looked at the major
    /// function.
    #[must_use]
    #[inline]
    pub fn device_control_parameters(self) -> PARAMETERS_DEVICE_IO_CONTROL {
        // SAFETY: the location is the holder's, and initialized for its major function (invariants
        // 2 and 3).
        unsafe { self.parameters::<PARAMETERS_DEVICE_IO_CONTROL>().read() }
    }

    /// Returns the arguments of any other request.
    #[must_use]
    #[inline]
    pub fn other_parameters(self) -> PARAMETERS_OTHERS {
        // SAFETY: the location is the holder's, and initialized for its major function (invariants
        // 2 and 3).
        unsafe { self.parameters::<PARAMETERS_OTHERS>().read() }
    }

    /// Sets the arguments of any other request.
    #[inline]
    pub fn set_other_parameters(self, parameters: PARAMETERS_OTHERS) {
        // SAFETY: the location is allocated and the holder's (invariants 1 and 2).
        unsafe { self.parameters::<PARAMETERS_OTHERS>().write(parameters) };
    }

    /// Sets `Parameters.Read.ByteOffset`, and with it `Parameters.Write.ByteOffset`.
    #[inline]
    pub fn set_byte_offset(self, offset: i64) {
        // SAFETY: the location is allocated and the holder's (invariants 1 and 2).
        unsafe { (*self.parameters::<PARAMETERS_READ>()).ByteOffset = offset };
    }

    /// Sets `Parameters.Read.Length`, and with it `Parameters.Write.Length`.
    #[inline]
    pub fn set_length(self, length: u32) {
        // SAFETY: the location is allocated and the holder's (invariants 1 and 2).
        unsafe { (*self.parameters::<PARAMETERS_READ>()).Length.0 = length };
    }

    /// Sets `Parameters.DeviceIoControl.IoControlCode`.
    #[inline]
    pub fn set_io_control_code(self, code: u32) {
        // SAFETY: the location is allocated and the holder's (invariants 1 and 2).
        unsafe {
            (*self.parameters::<PARAMETERS_DEVICE_IO_CONTROL>())
                .IoControlCode
                .0 = code;
        };
    }

    /// Sets `Parameters.DeviceIoControl.InputBufferLength` and `OutputBufferLength`.
    #[inline]
    pub fn set_buffer_lengths(self, input: u32, output: u32) {
        let control = self.parameters::<PARAMETERS_DEVICE_IO_CONTROL>();
        // SAFETY: the location is allocated and the holder's (invariants 1 and 2).
        unsafe { (*control).InputBufferLength.0 = input };
        // SAFETY: as above.
        unsafe { (*control).OutputBufferLength.0 = output };
    }

    /// Sets `Parameters.DeviceIoControl.Type3InputBuffer`.
    #[inline]
    pub fn set_type3_input_buffer(self, buffer: *mut c_void) {
        // SAFETY: the location is allocated and the holder's (invariants 1 and 2).
        unsafe { (*self.parameters::<PARAMETERS_DEVICE_IO_CONTROL>()).Type3InputBuffer = buffer };
    }

    /// The members of the union all begin at its address.
    #[inline]
    fn parameters<T>(self) -> *mut T {
        // SAFETY: in bounds of a location that is allocated (invariant 1).
        unsafe { &raw mut (*self.0).Parameters }.cast()
    }
}
