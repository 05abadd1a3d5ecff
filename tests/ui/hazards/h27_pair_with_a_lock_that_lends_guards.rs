//! Makes a pair with a lock whose guards end with a borrow, although requests keep them.
use core::ptr::NonNull;

use wdm_irp::IrpError;
use wdm_irp::remove_lock::RemoveLock;
use wdm_irp::sys::DEVICE_OBJECT;
use wdm_irp::target::DevicePair;

fn pair(own: NonNull<DEVICE_OBJECT>, lower: NonNull<DEVICE_OBJECT>, lock: &RemoveLock) -> Result<(), IrpError> {
    // SAFETY: for the sake of the example.
    let _pair = unsafe { DevicePair::new(own, lower, lock) }?;
    Ok(())
}

fn main() {}
