//! Devices with the filters above them.

use std::sync::Arc;

use wdm_irp_sim::{Behavior, Device, DeviceOptions};

use wdm_irp_tests::{Image, Pair, locked_pair, pair, registered_pair};

use crate::answers::answer;
use crate::idle::Idle;
use crate::program::{DeviceSpec, IoMethod, Lower};
use crate::shared::Shared;
use crate::slots::Locked;

/// A device, and the filter on top of it, or itself.
pub(super) struct Stack {
    pub(super) base: Device,
    pub(super) top: Device,
    /// A device of the driver's own, and the top.
    pub(super) pair: Pair,
    /// The same, with the remove lock of the own device.
    pub(super) locked: Option<Locked>,
    /// IRPs for these targets that have come back.
    pub(super) idle: Arc<Idle>,
    pub(super) spec: DeviceSpec,
}

impl Stack {
    pub(super) fn new(shared: &Shared, spec: DeviceSpec) -> Self {
        let (machine, own) = (&shared.machine, &shared.own);
        let options = DeviceOptions::new("disk");
        let options = match spec.method {
            IoMethod::Buffered => options.buffered(),
            IoMethod::Direct => options.direct(),
            IoMethod::Neither => options.neither(),
        };
        let base = machine.device_with(options, Behavior::transfer());
        let top = (0..spec.filters).fold(base.clone(), |lower, _| machine.filter_over(&lower));
        let image = if spec.registered {
            Image::Registered
        } else {
            Image::Stays
        };
        let pair = if spec.registered {
            registered_pair(own, &top)
        } else {
            pair(own, &top)
        };
        let locked = shared
            .locks
            .map(|locks| locked_pair(own, &top, locks.remove_lock(), image));
        Self {
            base,
            top,
            pair,
            locked,
            idle: Arc::default(),
            spec,
        }
    }

    /// Returns the pair that holds a lock.
    pub(super) fn locked(&self) -> &Locked {
        self.locked.as_ref().expect("the program needs locks")
    }

    /// Says what the device does with the next request.
    pub(super) fn behave(&self, shared: &Shared, lower: Lower) {
        let (default, errors) = (self.spec.answer, shared.errors.clone());
        let behavior = Behavior::respond(move |irp| answer(irp, default, &errors));
        let behavior = behavior.when(lower.when()).at_irql(lower.irql);
        self.base.set_behavior(behavior);
    }
}
