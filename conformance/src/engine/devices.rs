//! The devices that the script sends requests to.

use wdm_irp::sys::DEVICE_OBJECT;

use crate::script::Actor;

/// The devices that the script sends requests to.
///
/// # Invariants
/// 1. Each is a device object, at the index of its actor, that stays valid while this is used.
/// 2. Requests to `upper`, `middle` and `lower` go to [`dispatch`](super::routines::dispatch);
///    these devices have 3, 2 and 1 stack locations. The originator's own device gets no requests.
#[derive(Debug)]
pub struct Devices([*mut DEVICE_OBJECT; Actor::COUNT]);

impl Devices {
    /// Vouches for the devices.
    ///
    /// # Safety
    /// All four are device objects that stay valid while this is used. Every request to `upper`,
    /// `middle` and `lower`, which have a `StackSize` of 3, 2 and 1, is handed to
    /// [`dispatch`](super::routines::dispatch), and nobody but the script sends them any.
    #[must_use]
    pub const unsafe fn new(
        own: *mut DEVICE_OBJECT,
        upper: *mut DEVICE_OBJECT,
        middle: *mut DEVICE_OBJECT,
        lower: *mut DEVICE_OBJECT,
    ) -> Self {
        // INVARIANT: 1 and 2 by contract.
        Self([own, upper, middle, lower])
    }

    /// Returns the device of an actor.
    pub(super) fn of(&self, actor: Actor) -> *mut DEVICE_OBJECT {
        self.0[actor.index()]
    }

    /// Finds the actor that a device belongs to.
    pub(super) fn actor(&self, device: *mut DEVICE_OBJECT) -> Option<Actor> {
        Actor::ALL
            .into_iter()
            .find(|&actor| self.of(actor) == device)
    }

    /// Returns what a device is called in the trace.
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
