//! The memory of an IRP.

use crate::error::IrpError;
use crate::sys::{self, IRP};

/// An IRP of `IoAllocateIrp` that is not in flight. Dropping it frees it (`IoFreeIrp`), at IRQL <=
/// `DISPATCH_LEVEL`.
///
/// # Invariants
/// 1. The IRP came from `IoAllocateIrp`, is not in flight, and is this value's alone.
#[derive(Debug)]
pub(crate) struct Allocated(sys::irp::Irp);

impl Allocated {
    /// Allocates an IRP, without quota (`IoAllocateIrp`).
    ///
    /// # Errors
    /// [`IrpError::IrpAllocation`].
    ///
    /// # Safety
    /// `stack_size` is at least 1, and less than 127.
    #[inline]
    pub(crate) unsafe fn new(stack_size: i8) -> Result<Self, IrpError> {
        // SAFETY: `stack_size` is one that an IRP can have, by contract.
        let irp = unsafe { sys::IoAllocateIrp(stack_size, 0) };
        if irp.is_null() {
            return Err(IrpError::IrpAllocation);
        }
        // INVARIANT: 1, just allocated.
        // SAFETY: not null, and this value's until it is given away.
        Ok(Self(unsafe { sys::irp::Irp::new(irp) }))
    }

    /// Takes back an IRP that was given away by [`into_raw`](Allocated::into_raw).
    ///
    /// # Safety
    /// The IRP is completed, its completion routine does not access it any more, and it is given
    /// back once.
    #[inline]
    pub(crate) unsafe fn from_raw(irp: *mut IRP) -> Self {
        // INVARIANT: 1 by contract.
        // SAFETY: it was an `Allocated`, so it is not null; the caller's alone by contract.
        Self(unsafe { sys::irp::Irp::new(irp) })
    }

    /// Gives the IRP away, to be sent.
    #[inline]
    pub(crate) fn into_raw(self) -> *mut IRP {
        let irp = self.as_ptr();
        core::mem::forget(self);
        irp
    }

    #[inline]
    pub(crate) fn as_ptr(&self) -> *mut IRP {
        self.0.as_ptr()
    }

    /// Returns the IRP by its fields.
    #[inline]
    pub(crate) fn fields(&self) -> sys::irp::Irp {
        self.0
    }
}

impl Drop for Allocated {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: from `IoAllocateIrp`, not in flight, this value's alone (invariant 1), and not
        // used again.
        unsafe { sys::IoFreeIrp(self.as_ptr()) };
    }
}

// SAFETY: an IRP of IoAllocateIrp belongs to no thread.
unsafe impl Send for Allocated {}
// SAFETY: shared access copies the address.
unsafe impl Sync for Allocated {}
