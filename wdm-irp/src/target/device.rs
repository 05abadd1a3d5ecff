//! A device that requests are sent to.

use core::marker::PhantomData;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU32, Ordering};

use super::reference::Reference;
use super::shared::{OwnedTarget, Target, sealed};
use crate::error::IrpError;
use crate::irql::{PassiveOnly, SendIrql, UpToDispatch};
use crate::sys::{self, DEVICE_OBJECT, IRP};

/// The deepest stack that IRPs can be sent to: an IRP's `CurrentLocation` starts at
/// `StackCount + 1`, in a signed byte.
pub(super) const DEEPEST_STACK: i8 = i8::MAX - 1;

/// A device that IRPs are sent to: a counted reference, [`Clone`].
///
/// An [`Irp`](crate::Irp) is allocated for one target, with as many stack locations as the target
/// needs, and can go to no other. `Irp::allocate(&target)` lends the target, for requests that are
/// waited for; `Irp::allocate(target.clone())` gives the IRP a reference of its own.
///
/// The drivers behind it take requests at the IRQLs of `L`: `PASSIVE_LEVEL` only, unless
/// [`takes_dispatch_level`](TargetDevice::takes_dispatch_level) says otherwise.
///
/// ```no_run
/// use core::ptr::NonNull;
/// use wdm_irp::{IrpError, TargetDevice};
/// use wdm_irp::sys::DEVICE_OBJECT;
///
/// /// What `AddDevice` got from `IoAttachDeviceToDeviceStack`.
/// fn lower_device(attached_to: NonNull<DEVICE_OBJECT>) -> Result<TargetDevice, IrpError> {
///     // SAFETY: the device below is a disk of Windows' own, and this driver detaches from it
///     // after its last request.
///     unsafe { TargetDevice::from_raw(attached_to) }
/// }
/// ```
///
/// # Invariants
/// 1. `device` fulfils the contract of [`TargetDevice::from_raw`].
/// 2. Its `StackSize` is at most `DEEPEST_STACK`, and stays as it is.
#[derive(Debug)]
pub struct TargetDevice<L = PassiveOnly> {
    device: Reference<DEVICE_OBJECT>,
    _irql: PhantomData<fn() -> L>,
}

impl TargetDevice {
    /// Vouches for a device object, and takes a reference (`ObReferenceObject`). IRQL <=
    /// `DISPATCH_LEVEL`.
    ///
    /// # Errors
    /// [`IrpError::InvalidParameter`] if the device's stack is deeper than an IRP can be.
    ///
    /// # Safety
    /// - `device` is a device object that exists, and whose stack is complete below: its `StackSize`
    ///   does not change any more.
    /// - The drivers of its stack handle the requests that this crate can express without `unsafe`
    ///   as Windows documents them, at `PASSIVE_LEVEL`: they access no more of a buffer than its
    ///   length, and nothing of it after completion.
    /// - They complete each IRP once. This driver is not unloaded before that, nor before its
    ///   completion routine has returned (hazard [H27]): a [`DevicePair`](super::DevicePair) sees
    ///   to it, this type does not.
    /// - No code that runs above `DISPATCH_LEVEL`, such as an interrupt service routine, uses the
    ///   library with it.
    ///
    /// [H27]: https://github.com/wdm-irp/wdm-irp/blob/main/docs/hazards.md#h27
    pub unsafe fn from_raw(device: NonNull<DEVICE_OBJECT>) -> Result<Self, IrpError> {
        // SAFETY: a device object that exists, by contract.
        let device = unsafe { Reference::new(device) };
        // INVARIANT: 1 by contract.
        // SAFETY: as above.
        unsafe { Self::new(device) }
    }

    /// Takes over a reference that the caller has, from a function such as
    /// `IoGetAttachedDeviceReference`, and vouches for the device object. IRQL <=
    /// `DISPATCH_LEVEL`.
    ///
    /// # Errors
    /// [`IrpError::InvalidParameter`] if the device's stack is deeper than an IRP can be; the
    /// reference is released.
    ///
    /// # Safety
    /// As for [`TargetDevice::from_raw`]; one reference is the caller's, who gives it away.
    pub unsafe fn adopt(device: NonNull<DEVICE_OBJECT>) -> Result<Self, IrpError> {
        // SAFETY: the caller's reference, by contract.
        let device = unsafe { Reference::adopt(device) };
        // INVARIANT: 1 by contract.
        // SAFETY: by contract.
        unsafe { Self::new(device) }
    }

    /// Returns the uppermost device of a stack (`IoGetAttachedDeviceReference`). IRQL <=
    /// `DISPATCH_LEVEL`.
    ///
    /// # Errors
    /// [`IrpError::InvalidParameter`] if the device's stack is deeper than an IRP can be.
    ///
    /// # Safety
    /// As for [`TargetDevice::from_raw`], of the device that is found. `device` is a device object
    /// that exists.
    pub unsafe fn attached(device: NonNull<DEVICE_OBJECT>) -> Result<Self, IrpError> {
        // SAFETY: a device object that exists, by contract.
        let top = unsafe { sys::IoGetAttachedDeviceReference(device.as_ptr()) };
        // SAFETY: never null: `device` itself, if nothing is attached.
        let top = unsafe { NonNull::new_unchecked(top) };
        // SAFETY: the function has taken a reference for its caller; the rest by contract.
        unsafe { Self::adopt(top) }
    }

    /// # Safety
    /// `device` fulfils the contract of [`TargetDevice::from_raw`].
    unsafe fn new(device: Reference<DEVICE_OBJECT>) -> Result<Self, IrpError> {
        // SAFETY: the device object exists, since `device` is a reference to it.
        unsafe { check_stack_size(device.get()) }?;
        // INVARIANT: 1 by contract, 2 by the line above and by contract.
        Ok(Self {
            device,
            _irql: PhantomData,
        })
    }

    /// Vouches for the IRQL at which the drivers of the stack take requests.
    ///
    /// # Safety
    /// The drivers behind this device take read, write and device control requests at IRQL <=
    /// `DISPATCH_LEVEL`.
    #[must_use]
    pub unsafe fn takes_dispatch_level(self) -> TargetDevice<UpToDispatch> {
        TargetDevice {
            device: self.device,
            _irql: PhantomData,
        }
    }
}

impl<L> TargetDevice<L> {
    /// Returns the device object. Any IRQL.
    #[must_use]
    #[inline]
    pub const fn as_ptr(&self) -> *mut DEVICE_OBJECT {
        self.device.get().as_ptr()
    }
}

impl<L> Clone for TargetDevice<L> {
    /// Takes another reference to the device (`ObReferenceObject`). IRQL <= `DISPATCH_LEVEL`.
    fn clone(&self) -> Self {
        Self {
            device: self.device.clone(),
            _irql: PhantomData,
        }
    }
}

impl<L> sealed::Sealed for TargetDevice<L> {}
impl<L: SendIrql + 'static> OwnedTarget for TargetDevice<L> {}

// SAFETY: by invariants 1 and 2. Nothing is held: the contract of the constructor covers removal.
unsafe impl<L: SendIrql> Target for TargetDevice<L> {
    type Irql = L;
    type Held = ();

    #[inline]
    fn hold(&self, _: *const IRP) -> Result<(), IrpError> {
        Ok(())
    }

    #[inline]
    fn device(&self) -> *mut DEVICE_OBJECT {
        self.as_ptr()
    }

    #[inline]
    fn stack_size(&self) -> i8 {
        // SAFETY: the device object exists, since this value is a reference to it.
        unsafe { stack_size(self.device.get()) }
    }
}

/// Returns how many stack locations an IRP for the device needs.
///
/// # Safety
/// The device object exists.
#[inline]
pub(super) unsafe fn stack_size(device: NonNull<DEVICE_OBJECT>) -> i8 {
    // SAFETY: by contract.
    unsafe { (*device.as_ptr()).StackSize }
}

/// Checks, once for all its IRPs, that the stack of a device is as deep as an IRP can be.
///
/// # Errors
/// It is deeper.
///
/// # Safety
/// The device object exists.
pub(super) unsafe fn check_stack_size(device: NonNull<DEVICE_OBJECT>) -> Result<i8, IrpError> {
    // SAFETY: by contract.
    let stack_size = unsafe { stack_size(device) };
    if (1..=DEEPEST_STACK).contains(&stack_size) {
        Ok(stack_size)
    } else {
        Err(IrpError::InvalidParameter)
    }
}

/// Returns `DO_BUFFERED_IO`, `DO_DIRECT_IO` and the other flags of a device, which a file system or
/// class driver may be changing: it sets and clears `DO_VERIFY_VOLUME` at any time.
///
/// # Safety
/// The device object exists.
#[inline]
pub(crate) unsafe fn device_flags(device: *mut DEVICE_OBJECT) -> u32 {
    // SAFETY: in bounds of a device object, by contract.
    let flags = unsafe { &raw mut (*device).Flags };
    // SAFETY: aligned and valid as the device object is; other drivers write it by whole words.
    unsafe { AtomicU32::from_ptr(flags) }.load(Ordering::Relaxed)
}
