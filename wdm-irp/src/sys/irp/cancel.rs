//! The fields of an IRP that whoever cancels it accesses at any time: all atomically.

use core::ffi::c_void;
use core::mem::transmute;
use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicU8, Ordering};

use super::fields::Irp;
use crate::sys::types::PDRIVER_CANCEL;

impl Irp {
    /// Returns `Cancel`: whether `IoCancelIrp` was called.
    #[must_use]
    #[inline]
    pub fn cancel(self) -> bool {
        self.cancel_cell().load(Ordering::Acquire) != 0
    }

    /// Sets `Cancel`.
    #[inline]
    pub fn set_cancel(self) {
        self.cancel_cell().store(1, Ordering::Release);
    }

    #[inline]
    fn cancel_cell<'a>(self) -> &'a AtomicU8 {
        // SAFETY: in bounds of an IRP that is allocated (invariant 1).
        let field = unsafe { &raw mut (*self.as_ptr()).Cancel };
        // SAFETY: a BOOLEAN has the size and alignment of an `AtomicU8`, and the field is only ever
        // accessed atomically (invariant 2). The reference ends in the method that asked for it.
        unsafe { AtomicU8::from_ptr(field.cast()) }
    }

    /// Returns whether there is a `CancelRoutine`.
    #[must_use]
    #[inline]
    pub fn has_cancel_routine(self) -> bool {
        !self.cancel_routine_cell().load(Ordering::Acquire).is_null()
    }

    /// Exchanges `CancelRoutine` and returns the previous one (`IoSetCancelRoutine`).
    #[must_use = "`None` instead of the routine that was set says that the routine is called, or was"]
    #[inline]
    pub fn exchange_cancel_routine(self, routine: PDRIVER_CANCEL) -> PDRIVER_CANCEL {
        let new = routine.map_or(ptr::null_mut(), |routine| routine as *mut c_void);
        let old = self.cancel_routine_cell().swap(new, Ordering::AcqRel);
        // SAFETY: the field holds null or a `DRIVER_CANCEL *`; `Option<fn>` represents null as
        // `None`.
        unsafe { transmute::<*mut c_void, PDRIVER_CANCEL>(old) }
    }

    #[inline]
    fn cancel_routine_cell<'a>(self) -> &'a AtomicPtr<c_void> {
        // SAFETY: in bounds of an IRP that is allocated (invariant 1).
        let field = unsafe { &raw mut (*self.as_ptr()).CancelRoutine };
        // SAFETY: a function pointer has the size and alignment of an `AtomicPtr`, and the field is
        // only ever accessed atomically (invariant 2). The reference ends in the method that asked
        // for it.
        unsafe { AtomicPtr::from_ptr(field.cast()) }
    }
}
