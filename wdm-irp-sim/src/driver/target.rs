//! A device as the library sees it.

use std::mem::ManuallyDrop;
use std::ptr::NonNull;

use wdm_irp::irql::UpToDispatch;
use wdm_irp::sys::DEVICE_OBJECT;
use wdm_irp::{IrpError, TargetDevice};

/// A device as the library sees it, unless its stack is one that no IRP can have.
///
/// The references are none that are counted, and are never released.
pub(super) struct Targets(Result<Both, IrpError>);

struct Both {
    passive: ManuallyDrop<TargetDevice>,
    dispatch: ManuallyDrop<TargetDevice<UpToDispatch>>,
}

/// Why there is none.
const TOO_DEEP: &str = "a stack that an IRP can be sent to";

impl Targets {
    /// Vouches for the device.
    ///
    /// # Safety
    /// `device` exists as long as the result is used, its driver is one of the model, and
    /// `stack_size` is that of its stack.
    pub(super) unsafe fn new(device: NonNull<DEVICE_OBJECT>, stack_size: i8) -> Self {
        if !(1..i8::MAX).contains(&stack_size) {
            // The library would refuse it, and release a reference that is not counted.
            return Self(Err(IrpError::InvalidParameter));
        }
        let target = || {
            // SAFETY: it exists by contract, and the drivers of the model keep to the lengths of
            // buffers. They complete an IRP as often as the test wants; the ledger stops what is
            // too often. The reference is none that is counted, and never released.
            unsafe { TargetDevice::adopt(device) }.map(ManuallyDrop::new)
        };
        let both = target().and_then(|passive| {
            let dispatch = ManuallyDrop::into_inner(target()?);
            // SAFETY: the drivers of the model run at any IRQL up to DISPATCH_LEVEL.
            let dispatch = ManuallyDrop::new(unsafe { dispatch.takes_dispatch_level() });
            Ok(Both { passive, dispatch })
        });
        Self(both)
    }

    /// Returns the device as one that takes requests up to `DISPATCH_LEVEL`.
    pub(super) fn dispatch(&self) -> &TargetDevice<UpToDispatch> {
        &self.0.as_ref().expect(TOO_DEEP).dispatch
    }

    /// Returns the device as one that takes requests at `PASSIVE_LEVEL` only.
    pub(super) fn passive(&self) -> &TargetDevice {
        &self.0.as_ref().expect(TOO_DEEP).passive
    }
}
