//! What can be done with a machine from any thread.

use wdm_irp::sys::PDRIVER_DISPATCH;

use crate::driver::behavior::Behavior;
use crate::driver::device::Device;
use crate::driver::options::DeviceOptions;
use crate::fault::{Allocation, Faults};
use crate::kernel::ledger::{Owner, Wait};
use crate::kernel::{Kernel, this_thread};
use crate::report::timeline::Timeline;
use crate::report::violation::Violation;
use crate::sync::{Arc, Duration, lock};

/// What can be done with a machine from any thread.
#[derive(Clone)]
pub struct Handle(pub(crate) Arc<Kernel>);

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handle").finish_non_exhaustive()
    }
}

impl Handle {
    /// The machine of the calling thread, or the process-wide default.
    #[must_use]
    pub fn current() -> Self {
        Self(this_thread::kernel())
    }

    /// A device with buffered I/O, a stack of its own and this behaviour.
    #[must_use]
    pub fn device(&self, behavior: Behavior) -> Device {
        let number = lock(&self.0.ledger).devices.len() + 1;
        self.device_with(DeviceOptions::new(&format!("device {number}")), behavior)
    }

    /// A device.
    #[must_use]
    pub fn device_with(&self, options: DeviceOptions, behavior: Behavior) -> Device {
        self.add_device(Device::new(&self.0, options, behavior))
    }

    /// A device whose dispatch routine is code of the test, for all major functions.
    ///
    /// # Safety
    /// `dispatch` treats IRPs as the WDK demands of a driver; it may breach its contract where the ledger notices it,
    /// which leaves the IRP alone then.
    #[must_use]
    pub unsafe fn raw_device(&self, options: DeviceOptions, dispatch: PDRIVER_DISPATCH) -> Device {
        self.add_device(Device::new_raw(&self.0, options, dispatch))
    }

    fn add_device(&self, device: Device) -> Device {
        let shared = device.shared();
        lock(&self.0.ledger).devices.push(shared);
        device
    }

    /// A filter driver's device on top of another one: it passes every request on, with a routine of its own that
    /// propagates the pending mark.
    #[must_use]
    pub fn filter_over(&self, lower: &Device) -> Device {
        let number = lock(&self.0.ledger).devices.len() + 1;
        let options = DeviceOptions::new(&format!("filter {number}"))
            .stack_size(lower.stack_size().saturating_add(1))
            .flags(lower.flags());
        self.device_with(options, Behavior::pass_through(lower))
    }

    /// What happened so far.
    #[must_use]
    pub fn timeline(&self) -> Timeline {
        self.0.timeline()
    }

    /// The violations so far, which are then forgotten: for a test that expects them.
    #[must_use]
    pub fn take_violations(&self) -> Vec<Violation> {
        std::mem::take(&mut lock(&self.0.ledger).violations)
    }

    /// The waits so far, in the order in which they ended.
    #[must_use]
    pub fn waits(&self) -> Vec<Wait> {
        lock(&self.0.ledger).waits.clone()
    }

    /// The faults to inject.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.0.faults
    }

    /// Makes the next `IoAllocateIrp` fail.
    pub fn fail_next_irp_allocation(&self) {
        self.0.faults.fail(Allocation::Irp, 0);
    }

    /// Makes the next `IoAllocateMdl` fail.
    pub fn fail_next_mdl_allocation(&self) {
        self.0.faults.fail(Allocation::Mdl, 0);
    }

    /// How long a wait without time-out may last before it is reported as a hang, which ends the process.
    /// 20 seconds unless told otherwise.
    pub fn hang_limit(&self, limit: Duration) {
        lock(&self.0.settings).hang_limit = limit;
    }

    /// Whether a lower driver's breach of its contract is a violation. It is a note in the timeline unless told
    /// otherwise, since tests use such drivers on purpose.
    pub fn strict_lower(&self, strict: bool) {
        lock(&self.0.settings).strict_lower = strict;
    }

    /// Whether the timeline is recorded. It is unless told otherwise; a test with very many requests may not want it.
    pub fn record_timeline(&self, recording: bool) {
        lock(&self.0.settings).recording = recording;
    }

    /// How many IRPs are allocated now.
    #[must_use]
    pub fn live_irps(&self) -> usize {
        lock(&self.0.ledger)
            .irps
            .values()
            .filter(|record| record.owner != Owner::Freed)
            .count()
    }

    /// How many IRPs have been allocated so far.
    #[must_use]
    pub fn allocated_irps(&self) -> u32 {
        lock(&self.0.ledger).next_irp
    }

    /// How many MDLs are allocated now.
    #[must_use]
    pub fn live_mdls(&self) -> usize {
        lock(&self.0.ledger)
            .mdls
            .values()
            .filter(|record| !record.freed)
            .count()
    }
}
