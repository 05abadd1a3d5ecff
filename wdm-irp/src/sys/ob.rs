//! The object manager: references to devices and file objects.

use core::ffi::c_void;

kernel_imports! {
    /// Adds a reference to an object and returns how many it has (`ObReferenceObject`).
    ///
    /// IRQL <= `DISPATCH_LEVEL`.
    ///
    /// # Safety
    /// `Object` is an object of the kernel, for instance a device, that has a reference.
    "wdm_irp_sim_ObfReferenceObject" fn ObfReferenceObject(Object: *mut c_void) -> isize;

    /// Releases a reference to an object and returns how many are left (`ObDereferenceObject`).
    ///
    /// The last one deletes the object. IRQL <= `DISPATCH_LEVEL`.
    ///
    /// # Safety
    /// The caller has a reference, and does not use the object afterwards.
    "wdm_irp_sim_ObfDereferenceObject" fn ObfDereferenceObject(Object: *mut c_void) -> isize;

    /// Releases a reference to an object; if it was the last, a system thread deletes the object.
    ///
    /// That makes it the way out of a completion routine. IRQL <= `DISPATCH_LEVEL`.
    ///
    /// # Safety
    /// The caller has a reference, and does not use the object afterwards.
    "wdm_irp_sim_ObDereferenceObjectDeferDelete" fn ObDereferenceObjectDeferDelete(Object: *mut c_void);
}
