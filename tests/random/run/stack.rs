//! Devices with the filters above them.

use wdm_irp_sim::{Behavior, Device, DeviceOptions, MachineHandle};

use wdm_irp_tests::{Pair, pair};

use crate::answers::answer;
use crate::program::{DeviceSpec, IoMethod, Lower};
use crate::shared::Shared;

/// A device, and the filter on top of it, or itself.
pub(super) struct Stack {
    pub(super) base: Device,
    pub(super) top: Device,
    /// A device of the driver's own, and the top.
    pub(super) pair: Pair,
    pub(super) spec: DeviceSpec,
}

impl Stack {
    pub(super) fn new(machine: &MachineHandle, own: &Device, spec: DeviceSpec) -> Self {
        let options = DeviceOptions::new("disk");
        let options = match spec.method {
            IoMethod::Buffered => options.buffered(),
            IoMethod::Direct => options.direct(),
            IoMethod::Neither => options.neither(),
        };
        let base = machine.device_with(options, Behavior::transfer());
        let top = (0..spec.filters).fold(base.clone(), |lower, _| machine.filter_over(&lower));
        let pair = pair(own, &top);
        Self {
            base,
            top,
            pair,
            spec,
        }
    }

    /// Says what the device does with the next request.
    pub(super) fn behave(&self, shared: &Shared, lower: Lower) {
        let (default, errors) = (self.spec.answer, shared.errors.clone());
        let behavior = Behavior::respond(move |irp| answer(irp, default, &errors));
        let behavior = behavior.when(lower.when()).at_irql(lower.irql);
        self.base.set_behavior(behavior);
    }
}
