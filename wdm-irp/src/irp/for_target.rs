//! An IRP with what it is sent to.
#![expect(
    clippy::inline_always,
    reason = "else a second caller pays for what the compiler keeps apart: see BENCHMARKS.md"
)]

use super::allocated::Allocated;
use crate::error::IrpError;
use crate::operation::Callback;
use crate::sys::irp::StackLocation;
use crate::sys::{self, IRP, NT_SUCCESS};
use crate::target::Target;

/// An IRP that this driver has allocated for one target, lent or owned.
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
/// It comes back with the completed request, to be used again:
/// [`Completed::reuse`](crate::Completed::reuse). Dropping it frees it (`IoFreeIrp`). While it is
/// not in flight, it does not keep its target from being removed.
///
/// # Invariants
/// 1. `next` is the next stack location of `allocated`, and there are as many below as `target`
///    needs. If the target has an own device, that has the current location.
#[must_use = "dropping it frees the IRP"]
#[derive(Debug)]
pub struct Irp<T> {
    allocated: Allocated,
    /// Kept, as the compiler cannot know that writing to the location does not move it.
    next: StackLocation,
    target: T,
}

// SAFETY: neither an IRP of IoAllocateIrp nor its locations belong to a thread.
unsafe impl<T: Send> Send for Irp<T> {}
// SAFETY: shared access reaches the target only.
unsafe impl<T: Sync> Sync for Irp<T> {}

impl<T: Target> Irp<T> {
    /// Allocates an IRP with as many stack locations as `target` needs (`IoAllocateIrp`, without
    /// quota). IRQL <= `DISPATCH_LEVEL`.
    ///
    /// # Errors
    /// [`IrpError::IrpAllocation`].
    #[inline(always)]
    pub fn allocate(target: T) -> Result<Self, IrpError> {
        // SAFETY: a target's stack size is that of an IRP that can be sent to it.
        let irp = unsafe { Allocated::new(target.stack_size()) }?;
        // SAFETY: just allocated, for this target.
        Ok(unsafe { Self::new(irp, target) })
    }

    /// Prepares an IRP for its target: enters the own location, if there is one.
    ///
    /// # Safety
    /// `irp` was allocated for this target, and is as `IoAllocateIrp` or `IoReuseIrp` leaves it.
    #[inline]
    unsafe fn new(irp: Allocated, target: T) -> Self {
        if let Some(own) = target.own_device() {
            // SAFETY: the IRP is ours, and has one location more than the target needs.
            unsafe { sys::IoSetNextIrpStackLocation(irp.as_ptr()) };
            // SAFETY: the line above has made this a location of the IRP.
            let current = unsafe { sys::IoGetCurrentIrpStackLocation(irp.as_ptr()) };
            // SAFETY: as above; the IRP is ours.
            unsafe { StackLocation::new(current) }.set_device_object(own.as_ptr());
        }
        // SAFETY: the target needs one location at least, and the current one is above it.
        let next = unsafe { sys::IoGetNextIrpStackLocation(irp.as_ptr()) };
        // INVARIANT: 1 by contract and by the lines above.
        Self {
            // SAFETY: a location of an IRP that is this value's.
            next: unsafe { StackLocation::new(next) },
            allocated: irp,
            target,
        }
    }

    /// Prepares an IRP that has been completed for its next request (`IoReuseIrp`).
    ///
    /// # Safety
    /// `irp` was allocated for this target, and nothing is attached to it.
    #[inline]
    pub(crate) unsafe fn reuse(irp: Allocated, target: T) -> Self {
        // SAFETY: from `IoAllocateIrp`, and not in flight (invariant 1 of `Allocated`).
        unsafe { sys::IoReuseIrp(irp.as_ptr(), sys::STATUS_SUCCESS) };
        // SAFETY: by contract, and by the line above.
        unsafe { Self::new(irp, target) }
    }

    /// Registers the completion routine, for success, error and cancellation.
    ///
    /// # Errors
    /// [`IrpError::RoutineRegistration`], if the target's way to register one takes memory.
    #[inline]
    pub(crate) fn register(&self, callback: Callback) -> Result<(), IrpError> {
        if self.target.registers_for_own_device()
            && let Some(own) = self.target.own_device()
        {
            // SAFETY: the own device exists as long as the target; the IRP is ours and has a next
            // location; the callback is one that may be registered.
            let status = unsafe {
                sys::IoSetCompletionRoutineEx(
                    own.as_ptr(),
                    self.as_ptr(),
                    callback.routine,
                    callback.context,
                    1,
                    1,
                    1,
                )
            };
            if !NT_SUCCESS(status) {
                return Err(IrpError::RoutineRegistration);
            }
        } else {
            let Callback { routine, context } = callback;
            self.next
                .set_completion_routine(routine, context, sys::SL_INVOKE_ALWAYS);
        }
        Ok(())
    }
}

impl<T> Irp<T> {
    #[inline]
    pub(crate) fn as_ptr(&self) -> *mut IRP {
        self.allocated.as_ptr()
    }

    #[inline]
    pub(crate) fn target(&self) -> &T {
        &self.target
    }

    /// Gives IRP and target away.
    #[inline]
    pub(crate) fn into_parts(self) -> (Allocated, T) {
        (self.allocated, self.target)
    }

    /// The fields of the IRP.
    #[inline]
    pub(crate) fn fields(&self) -> sys::irp::Irp {
        self.allocated.fields()
    }

    #[inline]
    pub(crate) fn next_location(&self) -> StackLocation {
        self.next
    }
}
