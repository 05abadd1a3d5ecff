//! The devices that the script sends requests to.

use wdm_irp::sys::DEVICE_OBJECT;

use crate::script::Actor;

/// The devices that the script sends requests to.
///
/// # Invariants
/// Each is a device object, by the number of its actor. The requests to the devices of drivers go to [`dispatch`]; they
/// have 3, 2 and 1 stack locations. The originator's own device gets none.
#[derive(Debug)]
pub struct Devices([*mut DEVICE_OBJECT; Actor::COUNT]);

impl Devices {
    /// Vouches for the devices.
    ///
    /// # Safety
    /// All four are device objects that stay valid while this is used. Every request to `upper`, `middle` and `lower`,
    /// which have a `StackSize` of 3, 2 and 1, is handed to [`dispatch`], and nobody but the script sends them any.
    #[must_use]
    pub const unsafe fn new(
        own: *mut DEVICE_OBJECT,
        upper: *mut DEVICE_OBJECT,
        middle: *mut DEVICE_OBJECT,
        lower: *mut DEVICE_OBJECT,
    ) -> Self {
        // INVARIANT: by contract.
        Self([own, upper, middle, lower])
    }

    pub(super) fn of(&self, actor: Actor) -> *mut DEVICE_OBJECT {
        self.0[actor.index()]
    }

    /// Whose device this is.
    pub(super) fn actor(&self, device: *mut DEVICE_OBJECT) -> Option<Actor> {
        Actor::ALL
            .into_iter()
            .find(|&actor| self.of(actor) == device)
    }

    /// A device by its name.
    pub(super) fn name(&self, device: *mut DEVICE_OBJECT) -> &'static str {
        if device.is_null() {
            return "NULL";
        }
        match self.actor(device) {
            Some(Actor::Originator) => "own",
            Some(driver) => driver.name(),
            None => "unknown",
        }
    }
}
