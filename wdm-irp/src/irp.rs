//! An IRP that this driver has allocated and nobody else has.

use core::mem;

use crate::error::IrpError;
use crate::sys::irp::StackLocation;
use crate::sys::{self, IRP};
use crate::target::{OwnDevice, TargetDevice};

/// An IRP that this driver has allocated for one target.
///
/// It becomes a request by one of its methods, gets a completion routine, and is sent:
///
/// ```
/// use wdm_irp::{
///     ByteOffset, Completing, Irp, IrpError, PassiveLevel, Signaled, TargetDevice,
///     Timeout, completion_routine,
/// };
///
/// #[completion_routine]
/// fn read_done(irp: Completing<'_, ()>) -> Signaled<'_> {
///     irp.signal_if_pended()
/// }
///
/// fn read_sector(
///     disk: &TargetDevice,
///     sector: &mut [u8; 512],
///     at: &PassiveLevel,
/// ) -> Result<usize, IrpError> {
///     let done = Irp::allocate(disk)?
///         .read(sector, ByteOffset(0))
///         .on_completion(read_done, ())
///         .send_and_wait(at, Timeout::seconds(5))?;
///     Ok(done.information())
/// }
/// ```
///
/// Dropping it frees it (`IoFreeIrp`).
///
/// # Invariants
/// 1. `raw` came from `IoAllocateIrp`, and is this value's alone until `into_raw` gives it away.
/// 2. `next` is its next stack location, and there are as many below as `target` needs.
#[must_use = "dropping it frees the IRP"]
#[derive(Debug)]
pub struct Irp<'d> {
    raw: sys::irp::Irp,
    /// Kept, as the compiler cannot know that writing to the location does not move it.
    next: StackLocation,
    target: &'d TargetDevice,
}

// SAFETY: an IRP of IoAllocateIrp belongs to no thread, nor do its locations.
unsafe impl Send for Irp<'_> {}
// SAFETY: shared access does nothing.
unsafe impl Sync for Irp<'_> {}

impl<'d> Irp<'d> {
    /// `IoAllocateIrp` with as many stack locations as `target` needs, without quota. IRQL <=
    /// `DISPATCH_LEVEL`.
    ///
    /// # Errors
    /// [`IrpError::IrpAllocation`].
    #[inline]
    pub fn allocate(target: &'d TargetDevice) -> Result<Self, IrpError> {
        Self::with_stack_size(target, target.stack_size())
    }

    /// Like [`Irp::allocate`], with one more stack location, for this driver itself: its completion
    /// routine then gets `own` as its `DeviceObject`. IRQL <= `DISPATCH_LEVEL`.
    ///
    /// # Errors
    /// [`IrpError::IrpAllocation`], or [`IrpError::InvalidParameter`] if the target's stack is as
    /// deep as an IRP can be.
    pub fn allocate_with_own_location(
        target: &'d TargetDevice,
        own: &OwnDevice,
    ) -> Result<Self, IrpError> {
        // One more still: `CurrentLocation` starts at `StackCount + 1`, in a signed byte.
        let stack_size = target.stack_size().saturating_add(1);
        if stack_size == i8::MAX {
            return Err(IrpError::InvalidParameter);
        }
        let mut irp = Self::with_stack_size(target, stack_size)?;
        // SAFETY: the IRP is this value's (invariant 1) and has one location more than the target
        // needs, at least two.
        unsafe { sys::IoSetNextIrpStackLocation(irp.as_ptr()) };
        irp.next.set_device_object(own.as_ptr());
        // SAFETY: there is a lower location, since the target needs at least one.
        let next = unsafe { sys::IoGetNextIrpStackLocation(irp.as_ptr()) };
        // INVARIANT: 2; the target's location is one lower now.
        // SAFETY: a location of an IRP that is this value's (invariant 1).
        irp.next = unsafe { StackLocation::new(next) };
        Ok(irp)
    }

    #[inline]
    fn with_stack_size(target: &'d TargetDevice, stack_size: i8) -> Result<Self, IrpError> {
        // SAFETY: a device object has a stack of at least one.
        let irp = unsafe { sys::IoAllocateIrp(stack_size, 0) };
        if irp.is_null() {
            return Err(IrpError::IrpAllocation);
        }
        // SAFETY: just allocated, with one location at least.
        let next = unsafe { sys::IoGetNextIrpStackLocation(irp) };
        // INVARIANT: 1 and 2; just allocated, with the locations `target` asks for.
        Ok(Self {
            // SAFETY: just allocated, and this value's until `into_raw`.
            raw: unsafe { sys::irp::Irp::new(irp) },
            // SAFETY: a location of that IRP.
            next: unsafe { StackLocation::new(next) },
            target,
        })
    }

    pub(crate) fn as_ptr(&self) -> *mut IRP {
        self.raw.as_ptr()
    }

    pub(crate) fn target(&self) -> &'d TargetDevice {
        self.target
    }

    /// Gives the IRP away; the caller frees it.
    pub(crate) fn into_raw(self) -> *mut IRP {
        let irp = self.as_ptr();
        mem::forget(self);
        irp
    }

    /// The fields of the IRP.
    pub(crate) fn fields(&self) -> sys::irp::Irp {
        self.raw
    }

    pub(crate) fn next_location(&self) -> StackLocation {
        self.next
    }
}

impl Drop for Irp<'_> {
    fn drop(&mut self) {
        // SAFETY: from `IoAllocateIrp`, this value's alone (invariant 1), and not used again.
        unsafe { sys::IoFreeIrp(self.as_ptr()) };
    }
}
