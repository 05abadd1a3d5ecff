//! Device objects, by the part they play for an IRP.

use core::ptr::NonNull;

use crate::sys::DEVICE_OBJECT;

/// A device that IRPs are sent to: the next lower device of the stack, or one that was opened by
/// name.
///
/// An [`Irp`](crate::Irp) is allocated for one target, with as many stack locations as the target
/// needs, and can go to no other.
///
/// ```no_run
/// use core::ptr::NonNull;
/// use wdm_irp::TargetDevice;
/// use wdm_irp::sys::DEVICE_OBJECT;
///
/// /// What `AddDevice` got from `IoAttachDeviceToDeviceStack`.
/// fn lower_device(attached_to: NonNull<DEVICE_OBJECT>) -> TargetDevice {
///     // SAFETY: the device below stays until this driver detaches from it, which it does after
///     // its last request.
///     unsafe { TargetDevice::from_raw(attached_to) }
/// }
/// ```
///
/// # Invariants
/// `device` is valid until every IRP that was sent through it has been completed.
#[derive(Debug)]
pub struct TargetDevice {
    device: NonNull<DEVICE_OBJECT>,
}

impl TargetDevice {
    /// Vouches for a device object.
    ///
    /// # Safety
    /// - `device` is a device object, which stays valid as long as the `TargetDevice` exists and
    ///   until every IRP sent to it has been completed; hold a reference
    ///   (`IoGetDeviceObjectPointer`) or rely on the device stack.
    /// - The drivers of its stack handle the requests that this crate can express without `unsafe`
    ///   as Windows documents them: they access no more of a buffer than its length, and nothing of
    ///   it after completion.
    /// - Each IRP is completed once, and this driver is not unloaded before that (hazard [H27]:
    ///   take a remove lock or rundown protection before you send, release it after the request is
    ///   completed).
    ///
    /// [H27]: https://github.com/wdm-irp/wdm-irp/blob/main/docs/hazards.md#h27
    #[must_use]
    pub const unsafe fn from_raw(device: NonNull<DEVICE_OBJECT>) -> Self {
        // INVARIANT: by the contract of this function.
        Self { device }
    }

    /// The device object.
    #[must_use]
    pub const fn as_ptr(&self) -> *mut DEVICE_OBJECT {
        self.device.as_ptr()
    }

    pub(crate) fn stack_size(&self) -> i8 {
        // SAFETY: by the type's invariant.
        unsafe { (*self.as_ptr()).StackSize }
    }

    /// `DO_BUFFERED_IO`, `DO_DIRECT_IO` …
    pub(crate) fn flags(&self) -> u32 {
        // SAFETY: by the type's invariant. `Flags` does not change its I/O method once the device
        // is started.
        unsafe { (*self.as_ptr()).Flags }
    }
}

// SAFETY: a device object belongs to no thread.
unsafe impl Send for TargetDevice {}
// SAFETY: shared access reads `StackSize`, and of `Flags` the I/O method: both are constant while
// the device is in use.
unsafe impl Sync for TargetDevice {}

/// A device of this driver, to be named in a stack location of its own: see
/// [`Irp::allocate_with_own_location`](crate::Irp::allocate_with_own_location).
///
/// # Invariants
/// `device` is valid until every IRP that names it has been completed.
#[derive(Debug)]
pub struct OwnDevice {
    device: NonNull<DEVICE_OBJECT>,
}

impl OwnDevice {
    /// Vouches for a device object.
    ///
    /// # Safety
    /// `device` was created by this driver, and is not deleted before every IRP that names it has
    /// been completed.
    #[must_use]
    pub const unsafe fn from_raw(device: NonNull<DEVICE_OBJECT>) -> Self {
        // INVARIANT: by the contract of this function.
        Self { device }
    }

    /// The device object.
    #[must_use]
    pub const fn as_ptr(&self) -> *mut DEVICE_OBJECT {
        self.device.as_ptr()
    }
}

// SAFETY: a device object belongs to no thread.
unsafe impl Send for OwnDevice {}
// SAFETY: shared access only copies the address.
unsafe impl Sync for OwnDevice {}
