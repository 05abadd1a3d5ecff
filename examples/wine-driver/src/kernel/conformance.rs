//! The conformance script in this kernel.

use core::ffi::c_void;
use core::fmt::{self, Write};
use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, Ordering};

use wdm_irp::PassiveLevel;
use wdm_irp::sys::DEVICE_OBJECT;
use wdm_irp_conformance::{Devices, Kernel, Scenario, Threads, Trace, Work, compare, run};

use super::ntoskrnl::{
    DelayedWorkQueue, IO_WORKITEM, IoAllocateWorkItem, IoFreeWorkItem, IoQueueWorkItem,
};

/// What the names of the scenarios begin with in the list of cases.
pub(super) const PREFIX: &str = "conformance_";

/// The work item that is queued.
///
/// Scenarios run one by one, and none queues a second item before the first has run.
static ITEM: AtomicPtr<IO_WORKITEM> = AtomicPtr::new(null_mut());

/// Runs a scenario, and writes what is wrong with its trace, if anything is.
///
/// Where the trace is not the one there must be, and then the whole trace.
pub(super) fn check(
    scenario: &'static Scenario,
    devices: &Devices,
    workers: &Workers,
    kernel: Kernel,
    at: &PassiveLevel,
    scratch: &mut [u8],
    answer: &mut impl Write,
) -> fmt::Result {
    let trace = Trace::new(scratch);
    run(scenario, devices, workers, at, &trace);
    let trace = trace.into_text();
    match compare(scenario.name(), kernel, trace) {
        Ok(()) => Ok(()),
        Err(mismatch) => write!(answer, "{mismatch}\n{trace}"),
    }
}

/// The kernel's worker threads.
///
/// # Invariants
/// 1. `0` is a device of this driver.
/// 2. It is not deleted before the work items that were allocated for it have run.
pub(super) struct Workers(*mut DEVICE_OBJECT);

impl Workers {
    /// Vouches for a device.
    ///
    /// # Safety
    /// `device` is a device of this driver, and stays while the result is used. The kernel sees to
    /// invariant 2: a queued work item holds a reference.
    pub(super) const unsafe fn new(device: *mut DEVICE_OBJECT) -> Self {
        // INVARIANT: 1 by contract; 2: the kernel sees to it.
        Self(device)
    }
}

impl Threads for Workers {
    fn start(&self, work: Work) -> Result<(), Work> {
        // SAFETY: a valid device by invariant 1 of `Workers`.
        let item = unsafe { IoAllocateWorkItem(self.0) };
        if item.is_null() {
            return Err(work);
        }
        ITEM.store(item, Ordering::Release);
        // SAFETY: the item was just allocated and is not queued; `run_work` gets what its contract
        // wants, and nobody else has the work.
        unsafe { IoQueueWorkItem(item, Some(run_work), DelayedWorkQueue, work.into_raw()) };
        Ok(())
    }
}

/// Does the work of a work item, and frees the item.
///
/// # Safety
/// `work` comes from [`Workers::start`].
unsafe extern "system" fn run_work(_device: *mut DEVICE_OBJECT, work: *mut c_void) {
    // Taken first: the work lets the scenario go on, and the next one may queue an item of its own.
    let item = ITEM.swap(null_mut(), Ordering::AcqRel);
    // SAFETY: `start` has taken the work apart, by contract; the kernel runs a work item once.
    let work = unsafe { Work::from_raw(work) };
    work.run();
    // SAFETY: the item of this very routine, which may free it (WDK, "IoFreeWorkItem"): `start` has
    // stored it before it was queued, and no other was stored since.
    unsafe { IoFreeWorkItem(item) };
}
