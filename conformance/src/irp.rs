//! Where the script finds stack locations, and its own state in them.

use core::ffi::c_void;
use core::ptr::null_mut;

use wdm_irp::sys::irp::{Irp, StackLocation};
use wdm_irp::sys::{IoGetCurrentIrpStackLocation, IoGetNextIrpStackLocation, PARAMETERS_OTHERS};

/// Returns the current stack location, by the kernel's pointer to it.
///
/// `None` in an originator's IRP without own location.
pub(crate) fn current(irp: Irp) -> Option<StackLocation> {
    (irp.current_location() <= irp.stack_count()).then(|| {
        // SAFETY: the IRP is the holder's by invariants 1 and 2 of `Irp`.
        let location = unsafe { IoGetCurrentIrpStackLocation(irp.as_ptr()) };
        // SAFETY: the number was looked at, so this is a location of that IRP, and the holder's as
        // the IRP is. The originator has filled in the arguments, and each driver above has copied
        // them.
        unsafe { StackLocation::new(location) }
    })
}

/// Returns the next stack location, by the kernel's pointer.
///
/// There is one: the script has asked for enough locations.
pub(crate) fn next(irp: Irp) -> StackLocation {
    // SAFETY: the IRP is the holder's by invariants 1 and 2 of `Irp`. A scenario allocates as many
    // locations as it sends the IRP down, so the current one is not the lowest.
    let location = unsafe { IoGetNextIrpStackLocation(irp.as_ptr()) };
    // SAFETY: a location of that IRP, the holder's until it sends the IRP. The arguments are read
    // by the driver below only, after `fill` or a copy.
    unsafe { StackLocation::new(location) }
}

/// Fills a location in for a request of the script.
///
/// The script's drivers find their bench in `Parameters.Others.Argument4`.
pub(crate) fn fill(location: StackLocation, major: u8, minor: u8, bench: *mut c_void) {
    location.set_function(major, minor);
    location.set_other_parameters(PARAMETERS_OTHERS {
        Argument1: null_mut(),
        Argument2: null_mut(),
        Argument3: null_mut(),
        Argument4: bench,
    });
}

/// Returns the bench that [`fill`] has put into a location.
pub(crate) fn bench(location: StackLocation) -> *mut c_void {
    location.other_parameters().Argument4
}
