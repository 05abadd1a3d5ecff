//! What can be done with a machine from any thread.

use std::ops::Range;

use wdm_irp::sys::PDRIVER_DISPATCH;

use crate::driver::behavior::Behavior;
use crate::driver::device::Device;
use crate::driver::options::DeviceOptions;
use crate::fault::{Allocation, Faults};
use crate::kernel::irps::{Owner, Source};
use crate::kernel::ledger::Wait;
use crate::kernel::{Kernel, this_thread};
use crate::report::timeline::Timeline;
use crate::report::violation::Violation;
use crate::sync::{Arc, Duration, lock};

/// What can be done with a machine from any thread.
#[derive(Clone)]
pub struct MachineHandle(pub(crate) Arc<Kernel>);

impl std::fmt::Debug for MachineHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MachineHandle").finish_non_exhaustive()
    }
}

impl MachineHandle {
    /// Returns the machine of the calling thread, or the process-wide default.
    #[must_use]
    pub fn current() -> Self {
        Self(this_thread::kernel())
    }

    /// Creates a device with buffered I/O, one stack location and this behavior.
    #[must_use]
    pub fn device(&self, behavior: Behavior) -> Device {
        let number = lock(&self.0.ledger).devices.len() + 1;
        self.device_with(DeviceOptions::new(&format!("device {number}")), behavior)
    }

    /// Creates a device.
    #[must_use]
    pub fn device_with(&self, options: DeviceOptions, behavior: Behavior) -> Device {
        self.add_device(Device::new(&self.0, options, behavior))
    }

    /// Creates a device whose dispatch routine, for all major functions, is code of the test.
    ///
    /// # Safety
    /// `dispatch` treats IRPs as the WDK asks of a driver; it may breach its contract where the
    /// ledger notices it, which leaves the IRP alone then.
    #[must_use]
    pub unsafe fn raw_device(&self, options: DeviceOptions, dispatch: PDRIVER_DISPATCH) -> Device {
        self.add_device(Device::new_raw(&self.0, options, dispatch))
    }

    fn add_device(&self, device: Device) -> Device {
        let shared = device.shared();
        lock(&self.0.ledger).devices.push(shared);
        device
    }

    /// Creates a filter driver's device on top of another one.
    ///
    /// It passes every request on, with a routine of its own that propagates the pending mark.
    #[must_use]
    pub fn filter_over(&self, lower: &Device) -> Device {
        let number = lock(&self.0.ledger).devices.len() + 1;
        let options = DeviceOptions::new(&format!("filter {number}"))
            .stack_size(lower.stack_size().saturating_add(1))
            .flags(lower.flags());
        let filter = self.device_with(options, Behavior::pass_through(lower));
        filter.attach_to(lower);
        filter
    }

    /// Creates a device of the test's own driver on top of another one's stack.
    ///
    /// It is what `IoSetCompletionRoutineEx` is given, and takes no requests.
    #[must_use]
    pub fn own_device_over(&self, lower: &Device) -> Device {
        let options = DeviceOptions::new("own device")
            .stack_size(lower.stack_size().saturating_add(1))
            .flags(lower.flags())
            .own();
        let own = self.device_with(options, Behavior::refuse());
        own.attach_to(lower);
        own
    }

    /// Returns what happened so far.
    #[must_use]
    pub fn timeline(&self) -> Timeline {
        self.0.timeline()
    }

    /// Returns the violations so far, and forgets them: for a test that expects them.
    #[must_use]
    pub fn take_violations(&self) -> Vec<Violation> {
        std::mem::take(&mut lock(&self.0.ledger).violations)
    }

    /// Returns the waits so far, in the order in which they ended.
    #[must_use]
    pub fn waits(&self) -> Vec<Wait> {
        lock(&self.0.ledger).waits.clone()
    }

    /// Returns the faults to inject.
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

    /// Makes the next `ExAllocatePoolWithTag` fail.
    pub fn fail_next_pool_allocation(&self) {
        self.0.faults.fail(Allocation::Pool, 0);
    }

    /// Makes the next `IoSetCompletionRoutineEx` fail.
    pub fn fail_next_registration(&self) {
        self.0.faults.fail(Allocation::Registration, 0);
    }

    /// Sets how long a wait without time-out may last; 20 seconds by default.
    ///
    /// A longer one is reported as a hang, which ends the process.
    pub fn hang_limit(&self, limit: Duration) {
        lock(&self.0.settings).hang_limit = limit;
    }

    /// Sets whether a lower driver's breach of its contract is a violation.
    ///
    /// By default it is a note in the timeline, since tests use such drivers on purpose.
    pub fn strict_lower(&self, strict: bool) {
        lock(&self.0.settings).strict_lower = strict;
    }

    /// Sets whether the timeline is recorded.
    ///
    /// By default it is; a test with very many requests may not want it.
    pub fn record_timeline(&self, recording: bool) {
        lock(&self.0.settings).recording = recording;
    }

    /// Tells the model that memory of the driver is about to be freed, with what is in it: locks,
    /// and IRPs of `IoInitializeIrp`.
    ///
    /// A remove lock may not be initialized twice; one in memory that has been freed and allocated
    /// again is a new one. A lock in the memory that is held is a violation, and so is an IRP in
    /// flight. Of memory of the pool the model knows.
    pub fn memory_freed(&self, memory: Range<usize>) {
        self.0.forget_memory(&memory);
    }

    /// Returns how many IRPs are allocated now.
    #[must_use]
    pub fn live_irps(&self) -> usize {
        lock(&self.0.ledger)
            .irps
            .values()
            .filter(|record| record.owner != Owner::Freed && record.source != Source::Driver)
            .count()
    }

    /// Returns how many IRPs have been allocated, or initialized by `IoInitializeIrp`, so far.
    #[must_use]
    pub fn allocated_irps(&self) -> u32 {
        lock(&self.0.ledger).next_irp
    }

    /// Returns how many MDLs are allocated now.
    #[must_use]
    pub fn live_mdls(&self) -> usize {
        lock(&self.0.ledger)
            .mdls
            .values()
            .filter(|record| !record.freed)
            .count()
    }

    /// Returns how many blocks of pool memory are allocated now.
    #[must_use]
    pub fn live_pool_blocks(&self) -> usize {
        lock(&self.0.ledger)
            .pool
            .values()
            .filter(|record| !record.freed)
            .count()
    }
}
