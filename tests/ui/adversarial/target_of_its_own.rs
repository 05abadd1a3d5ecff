//! Implements what a target, a lock of a pair and a proof are for types of its own.
use core::ptr::NonNull;

use wdm_irp::IrpError;
use wdm_irp::irql::{MayReach, PassiveOnly, SendIrql, UpToDispatch};
use wdm_irp::sys::{DEVICE_OBJECT, IRP};
use wdm_irp::target::{Hold, OwnedTarget, Target};

struct Mine(NonNull<DEVICE_OBJECT>);

unsafe impl Target for Mine {
    type Irql = UpToDispatch;
    type Held = ();
    fn hold(&self, _: *const IRP) -> Result<(), IrpError> {
        Ok(())
    }
    fn device(&self) -> *mut DEVICE_OBJECT {
        self.0.as_ptr()
    }
    fn stack_size(&self) -> i8 {
        1
    }
}

impl OwnedTarget for Mine {}

impl Hold for Mine {
    type Guard = ();
    fn hold(&self, _: *const IRP) -> Result<(), IrpError> {
        Ok(())
    }
}

impl SendIrql for Mine {}

impl MayReach<PassiveOnly> for Mine {}

fn main() {}
