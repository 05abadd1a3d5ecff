//! Pairs of modeled devices: one of the driver's own, and the one below.

use std::ptr::NonNull;

use wdm_irp::IrpError;
use wdm_irp::irql::UpToDispatch;
use wdm_irp::target::{DevicePair, Hold, Unlocked};
use wdm_irp_sim::Device;

/// A device of the driver above a device of the model.
pub type Pair<H = Unlocked> = DevicePair<H, UpToDispatch>;

/// What keeps the driver loaded while its completion routine runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Image {
    /// The registration of the routine, with `IoSetCompletionRoutineEx`.
    Registered,
    /// Something else.
    Stays,
}

/// Makes a pair of two modeled devices, the driver's own and the one below: nothing is held, and
/// the routine is registered with `IoSetCompletionRoutine`.
///
/// # Panics
/// If the stack is too deep.
#[must_use]
pub fn pair(own: &Device, lower: &Device) -> Pair {
    try_pair(own, lower).expect("not too deep")
}

/// Makes a pair like [`pair`], or tells why there is none.
///
/// # Errors
/// The stack is too deep.
pub fn try_pair(own: &Device, lower: &Device) -> Result<Pair, IrpError> {
    Ok(in_an_image(unlocked(own, lower)?, Image::Stays))
}

/// Makes a pair like [`pair`], whose routine is registered with `IoSetCompletionRoutineEx`: `own`
/// must be a device of the test's own driver.
///
/// # Panics
/// If the stack is too deep.
#[must_use]
pub fn registered_pair(own: &Device, lower: &Device) -> Pair {
    let pair = unlocked(own, lower).expect("not too deep");
    in_an_image(pair, Image::Registered)
}

/// Makes a pair whose requests hold a lock, which stays forever.
///
/// # Panics
/// If the stack is too deep.
#[must_use]
#[expect(unsafe_code, reason = "vouches for the devices")]
pub fn locked_pair<H: Hold>(
    own: &Device,
    lower: &Device,
    lock: &'static H,
    image: Image,
) -> Pair<H> {
    let [own, lower] = addresses(own, lower);
    // SAFETY: as in `unlocked`; the lock is static, and if the test never removes the device,
    // nobody does.
    let pair = unsafe { DevicePair::new(own, lower, lock) };
    in_an_image(pair.expect("not too deep"), image)
}

#[expect(unsafe_code, reason = "vouches for the devices")]
fn unlocked(own: &Device, lower: &Device) -> Result<DevicePair<Unlocked>, IrpError> {
    let [own, lower] = addresses(own, lower);
    // SAFETY: the model keeps device objects until its machine ends, and a machine ends when each
    // of its IRPs is completed. Modeled drivers treat requests as documented.
    unsafe { DevicePair::without_lock(own, lower) }
}

fn addresses(own: &Device, lower: &Device) -> [NonNull<wdm_irp::sys::DEVICE_OBJECT>; 2] {
    [own, lower].map(|device| NonNull::new(device.as_ptr()).expect("a device has an object"))
}

#[expect(unsafe_code, reason = "vouches for the image and the devices")]
fn in_an_image<H: Hold>(mut pair: DevicePair<H>, image: Image) -> Pair<H> {
    if image == Image::Stays {
        // SAFETY: tests are not unloaded.
        pair = unsafe { pair.keeps_image_loaded() };
    }
    // SAFETY: modeled drivers run at any IRQL up to DISPATCH_LEVEL.
    unsafe { pair.takes_dispatch_level() }
}
