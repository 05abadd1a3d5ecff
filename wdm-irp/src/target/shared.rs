//! What every target has.

use core::ptr::NonNull;

use crate::error::IrpError;
use crate::irql::SendIrql;
use crate::sys::{DEVICE_OBJECT, FILE_OBJECT, IRP};

pub(crate) mod sealed {
    pub trait Sealed {}
}

/// What an [`Irp`](crate::Irp) is allocated for: a device, lent or owned.
///
/// - `&TargetDevice` and `&DevicePair` lend the target for requests that are waited for.
/// - [`TargetDevice`](super::TargetDevice), a counted reference, [`DevicePair`](super::DevicePair)
///   and [`OpenedDevice`](super::OpenedDevice) go with the IRP wherever it goes; so do `Box` and
///   `Arc` of a target.
///
/// # Safety
/// - As long as the value exists, `device` is valid, has not more than `stack_size` stack
///   locations below it and handles requests as its constructor demands; so are `own_device` and
///   `file_object`.
/// - As long as `Held` exists, the device is not removed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no target of an IRP; pass `&TargetDevice`, `TargetDevice`, or another type of `wdm_irp::target`",
    label = "not a device that IRPs are sent to"
)]
pub unsafe trait Target: sealed::Sealed {
    /// The IRQLs at which the drivers behind this target take requests.
    type Irql: SendIrql;
    /// What is held from the sending of a request to its completion.
    #[doc(hidden)]
    type Held: Send + 'static;

    /// Holds the target for the request in `irp`.
    #[doc(hidden)]
    fn hold(&self, irp: *const IRP) -> Result<Self::Held, IrpError>;

    /// The device that `IofCallDriver` gets.
    #[doc(hidden)]
    fn device(&self) -> *mut DEVICE_OBJECT;

    /// How many stack locations an IRP has, the own one included.
    #[doc(hidden)]
    fn stack_size(&self) -> i8;

    /// The device of this driver that has a stack location of its own.
    #[doc(hidden)]
    #[inline]
    fn own_device(&self) -> Option<NonNull<DEVICE_OBJECT>> {
        None
    }

    /// Whether the routine is registered with `IoSetCompletionRoutineEx`; there is an own device
    /// then.
    #[doc(hidden)]
    #[inline]
    fn registers_for_own_device(&self) -> bool {
        false
    }

    /// The file object that goes in the stack location.
    #[doc(hidden)]
    #[inline]
    fn file_object(&self) -> Option<NonNull<FILE_OBJECT>> {
        None
    }
}

/// Targets that a request can keep after the call that has sent it: all but borrowed ones.
#[diagnostic::on_unimplemented(
    message = "a request that outlives the call must own its target, and `{Self}` is borrowed; allocate the IRP for the target itself, as in `Irp::allocate(target.clone())`",
    label = "this target may be gone before the request is completed"
)]
pub trait OwnedTarget: Target + Send + 'static {}

impl<T: Target> sealed::Sealed for &T {}

/// Implements [`Target`] for a pointer to one.
macro_rules! pointers {
    ($([$($generics:tt)*] $pointer:ty;)*) => {$(
        // SAFETY: the pointee is a target that stays where it is as long as the pointer exists.
        unsafe impl<$($generics)*> Target for $pointer {
            type Irql = T::Irql;
            type Held = T::Held;
            #[inline]
            fn hold(&self, irp: *const IRP) -> Result<Self::Held, IrpError> {
                T::hold(self, irp)
            }
            #[inline]
            fn device(&self) -> *mut DEVICE_OBJECT {
                T::device(self)
            }
            #[inline]
            fn stack_size(&self) -> i8 {
                T::stack_size(self)
            }
            #[inline]
            fn own_device(&self) -> Option<NonNull<DEVICE_OBJECT>> {
                T::own_device(self)
            }
            #[inline]
            fn registers_for_own_device(&self) -> bool {
                T::registers_for_own_device(self)
            }
            #[inline]
            fn file_object(&self) -> Option<NonNull<FILE_OBJECT>> {
                T::file_object(self)
            }
        }
    )*};
}

pointers! {
    [T: Target] &T;
}

#[cfg(feature = "alloc")]
mod owning {
    use alloc::boxed::Box;
    use alloc::sync::Arc;

    use super::{DEVICE_OBJECT, FILE_OBJECT, IRP, IrpError, NonNull, OwnedTarget, Target, sealed};

    impl<T: Target> sealed::Sealed for Box<T> {}
    impl<T: Target> sealed::Sealed for Arc<T> {}
    impl<T: OwnedTarget> OwnedTarget for Box<T> {}
    impl<T: OwnedTarget + Sync> OwnedTarget for Arc<T> {}

    pointers! {
        [T: Target] Box<T>;
        [T: Target] Arc<T>;
    }
}
