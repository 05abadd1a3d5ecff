//! A device of this driver, and the device below it.

use core::marker::PhantomData;
use core::ptr::NonNull;

use super::device::{DEEPEST_STACK, check_stack_size};
use super::hold::{Hold, Unlocked};
use super::reference::Reference;
use super::shared::{OwnedTarget, Target, sealed};
use crate::error::IrpError;
use crate::irql::{PassiveOnly, SendIrql, UpToDispatch};
use crate::sys::{DEVICE_OBJECT, IRP};

/// A device of this driver and the device that it sends requests to, usually the one that it is
/// attached to.
///
/// A request to a pair holds the lock of the own device from its sending until its outcome is taken
/// or, if it was abandoned, until its completion, so the device is not removed meanwhile (hazard
/// [H27]); the tag of the acquisition is the address of the IRP. An IRP that is not in flight holds
/// nothing. A removal waits for a handle that is kept, though its request may be completed, and
/// forever for one that is leaked.
///
/// The IRP has a stack location of its own for this driver, so the completion routine gets the own
/// device; and the routine is registered with `IoSetCompletionRoutineEx`, which keeps this driver
/// loaded until the routine has returned, unless
/// [`keeps_image_loaded`](DevicePair::keeps_image_loaded) says that something else does.
///
/// Rules: `CompletionRoutineRegistered`, `IoSetCompletionRoutineExCheck`,
/// `IoSetCompletionRoutineExCheckDeviceObject`, `IoSetCompletionRoutineNonPnpDriver`.
///
/// ```no_run
/// use core::ptr::NonNull;
/// use wdm_irp::lock_storage::InExtension;
/// use wdm_irp::remove_lock::RemoveLock;
/// use wdm_irp::sys::DEVICE_OBJECT;
/// use wdm_irp::target::DevicePair;
/// use wdm_irp::IrpError;
///
/// struct Extension {
///     lock: InExtension<RemoveLock>,
/// }
///
/// /// For a filter: its device, what it is attached to, and the extension of its device.
/// fn pair(
///     own: NonNull<DEVICE_OBJECT>,
///     attached_to: NonNull<DEVICE_OBJECT>,
///     extension: &Extension,
/// ) -> Result<DevicePair<InExtension<RemoveLock>>, IrpError> {
///     // SAFETY: `AddDevice` has created `own` with this extension, and attached it to a disk.
///     unsafe { DevicePair::new(own, attached_to, &extension.lock) }
/// }
/// ```
///
/// # Invariants
/// 1. `own` is a device of this driver; `lower` fulfils the contract of
///    [`TargetDevice::from_raw`](super::TargetDevice::from_raw) but for removal.
/// 2. `lock` is valid as long as `own` is referenced.
/// 3. An IRP for `lower` and for one own location needs `stack_size` locations, which is at most
///    `DEEPEST_STACK`.
/// 4. If `image_stays`, this driver is not unloaded before the routine of a request has returned.
///
/// [H27]: https://github.com/wdm-irp/wdm-irp/blob/main/docs/hazards.md#h27
#[derive(Debug)]
pub struct DevicePair<H, L = PassiveOnly> {
    own: Reference<DEVICE_OBJECT>,
    lower: Reference<DEVICE_OBJECT>,
    lock: NonNull<H>,
    stack_size: i8,
    image_stays: bool,
    _irql: PhantomData<fn() -> L>,
}

impl<H: Hold> DevicePair<H> {
    /// Makes a pair whose requests hold `lock`, and takes references to both devices. IRQL <=
    /// `DISPATCH_LEVEL`.
    ///
    /// # Errors
    /// [`IrpError::InvalidParameter`] if the stack of both is deeper than an IRP can be.
    ///
    /// # Safety
    /// - `own` is a device object that this driver has created, and `lock` is in its extension, or
    ///   otherwise stays as long as the device object does.
    /// - `lower` fulfils the contract of
    ///   [`TargetDevice::from_raw`](super::TargetDevice::from_raw); what that says of unloading
    ///   need hold while `lock` is held only.
    /// - This driver waits for `lock` when `own` is removed, before `IoDetachDevice` and
    ///   `IoDeleteDevice`.
    pub unsafe fn new(
        own: NonNull<DEVICE_OBJECT>,
        lower: NonNull<DEVICE_OBJECT>,
        lock: &H,
    ) -> Result<Self, IrpError> {
        // SAFETY: it exists, by contract.
        let own = unsafe { Reference::new(own) };
        // SAFETY: as above.
        let lower = unsafe { Reference::new(lower) };
        // SAFETY: referenced in the line above.
        let below = unsafe { check_stack_size(lower.get()) }?;
        if below == DEEPEST_STACK {
            return Err(IrpError::InvalidParameter);
        }
        // INVARIANT: 1 and 2 by contract, 3 by the lines above, 4 as `image_stays` is not set.
        Ok(Self {
            own,
            lower,
            lock: NonNull::from(lock),
            stack_size: below + 1,
            image_stays: false,
            _irql: PhantomData,
        })
    }
}

impl DevicePair<Unlocked> {
    /// Makes a pair for a driver that does no Plug and Play: nothing is held while a request is in
    /// flight. IRQL <= `DISPATCH_LEVEL`.
    ///
    /// # Errors
    /// As for [`DevicePair::new`].
    ///
    /// # Safety
    /// As for [`DevicePair::new`]; nobody removes `own` or `lower` while a request is in flight.
    pub unsafe fn without_lock(
        own: NonNull<DEVICE_OBJECT>,
        lower: NonNull<DEVICE_OBJECT>,
    ) -> Result<Self, IrpError> {
        // SAFETY: by contract; the lock is static.
        unsafe { Self::new(own, lower, Unlocked::LOCK) }
    }
}

impl<H> DevicePair<H> {
    /// Vouches for the IRQL at which the drivers of the stack take requests.
    ///
    /// # Safety
    /// As for [`TargetDevice::takes_dispatch_level`](super::TargetDevice::takes_dispatch_level).
    #[must_use]
    pub unsafe fn takes_dispatch_level(self) -> DevicePair<H, UpToDispatch> {
        DevicePair {
            own: self.own,
            lower: self.lower,
            lock: self.lock,
            stack_size: self.stack_size,
            image_stays: self.image_stays,
            _irql: PhantomData,
        }
    }
}

impl<H, L> DevicePair<H, L> {
    /// Vouches that this driver is not unloaded while its completion routine runs, so that routines
    /// are registered with `IoSetCompletionRoutine`, which cannot fail.
    ///
    /// # Safety
    /// Something keeps the image loaded until the routine of every request to this pair has
    /// returned to its caller: releasing the lock is not enough, for the waiter that it wakes may
    /// unload the driver while the routine runs its last instructions. The driver of a Plug and
    /// Play device whose stack the requests stay in is an example: its image stays until the whole
    /// stack is gone.
    #[must_use]
    pub unsafe fn keeps_image_loaded(mut self) -> Self {
        // INVARIANT: 4 by contract.
        self.image_stays = true;
        self
    }

    /// Returns the device of this driver. Any IRQL.
    #[must_use]
    pub const fn own(&self) -> *mut DEVICE_OBJECT {
        self.own.get().as_ptr()
    }

    /// Returns the device that requests are sent to. Any IRQL.
    #[must_use]
    pub const fn lower(&self) -> *mut DEVICE_OBJECT {
        self.lower.get().as_ptr()
    }
}

impl<H, L> Clone for DevicePair<H, L> {
    /// Takes another reference to both devices (`ObReferenceObject`). IRQL <= `DISPATCH_LEVEL`.
    fn clone(&self) -> Self {
        Self {
            own: self.own.clone(),
            lower: self.lower.clone(),
            lock: self.lock,
            stack_size: self.stack_size,
            image_stays: self.image_stays,
            _irql: PhantomData,
        }
    }
}

// SAFETY: neither a device object nor a lock, which is `Sync`, belongs to a thread.
unsafe impl<H: Sync, L> Send for DevicePair<H, L> {}
// SAFETY: shared access shares the lock, which is `Sync`.
unsafe impl<H: Sync, L> Sync for DevicePair<H, L> {}

impl<H, L> sealed::Sealed for DevicePair<H, L> {}
impl<H: Hold, L: SendIrql + 'static> OwnedTarget for DevicePair<H, L> {}

// SAFETY: by invariants 1 and 3. The guard of the lock keeps both devices.
unsafe impl<H: Hold, L: SendIrql> Target for DevicePair<H, L> {
    type Irql = L;
    type Held = H::Guard;

    #[inline]
    fn hold(&self, irp: *const IRP) -> Result<H::Guard, IrpError> {
        // SAFETY: valid, since this value keeps `own` (invariant 2).
        unsafe { self.lock.as_ref() }.hold(irp)
    }

    #[inline]
    fn device(&self) -> *mut DEVICE_OBJECT {
        self.lower()
    }

    #[inline]
    fn stack_size(&self) -> i8 {
        self.stack_size
    }

    #[inline]
    fn own_device(&self) -> Option<NonNull<DEVICE_OBJECT>> {
        Some(self.own.get())
    }

    #[inline]
    fn registers_for_own_device(&self) -> bool {
        !self.image_stays
    }
}
