//! The cancel spin lock and `IoCancelIrp`.

use wdm_irp::sys::irp::{Irp, StackLocation};
use wdm_irp::sys::{DISPATCH_LEVEL, IRP};

use crate::fault::DelayPoint;
use crate::kernel::irps::Owner;
use crate::kernel::record::Found;
use crate::kernel::{Kernel, objects, this_thread};
use crate::report::kind::ViolationKind;
use crate::report::timeline::{Lane, Step};
use crate::sync::{Arc, Condvar, Instant, Mutex, lock, thread, wait_for, watched};

/// The system-wide cancel spin lock, with the thread that holds it.
static OWNER: Mutex<Option<thread::ThreadId>> = Mutex::new(None);

static RELEASED: Condvar = Condvar::new();

/// Acquires the cancel spin lock and returns the IRQL before (`IoAcquireCancelSpinLock`).
pub(crate) fn IoAcquireCancelSpinLock() -> u8 {
    let kernel = this_thread::kernel();
    kernel.check_irql(DISPATCH_LEVEL, None, "IoAcquireCancelSpinLock");
    let before = this_thread::irql();
    let me = thread::current().id();
    let start = Instant::now();
    let mut owner = lock(&OWNER);
    if *owner == Some(me) {
        drop(owner);
        kernel.violate(
            ViolationKind::CancelLockAlreadyOwned,
            None,
            "IoAcquireCancelSpinLock by a processor that holds the lock",
        );
        return before;
    }
    while owner.is_some() {
        let limit = kernel.hang_limit();
        let passed = start.elapsed();
        if passed >= limit {
            drop(owner);
            kernel.hang("the cancel spin lock");
        }
        owner = wait_for(&RELEASED, owner, limit.saturating_sub(passed));
    }
    *owner = Some(me);
    drop(owner);
    this_thread::set_irql(DISPATCH_LEVEL.max(before));
    before
}

/// Returns whether the calling thread holds the cancel spin lock.
fn is_mine() -> bool {
    *lock(&OWNER) == Some(thread::current().id())
}

/// Releases the cancel spin lock and sets the IRQL (`IoReleaseCancelSpinLock`).
pub(crate) fn IoReleaseCancelSpinLock(irql: u8) {
    if !is_mine() {
        this_thread::kernel().violate(
            ViolationKind::CancelLockNotOwned,
            None,
            "IoReleaseCancelSpinLock by a processor that does not hold the lock",
        );
        return;
    }
    *lock(&OWNER) = None;
    RELEASED.notify_one();
    this_thread::set_irql(irql);
}

impl Kernel {
    /// Enters a call of `IoCancelIrp` in the ledger; an error says why there must be none.
    fn begin_cancel(&self, address: usize) -> Result<(u32, Owner), Found> {
        let who = this_thread::lane();
        let mut ledger = lock(&self.ledger);
        let Some((number, record)) = ledger.irp_at(address) else {
            let text = format!("IoCancelIrp by the {who} on something that is no IRP");
            return Err((ViolationKind::UnknownIrp, None, text));
        };
        let refuse = |kind, what| {
            let (lane, thread) = record
                .ended_by
                .clone()
                .unwrap_or((Lane::IoManager, "?".into()));
            let text = format!(
                "IoCancelIrp by the {who} on an IRP that the {lane} on thread {thread} has {what}"
            );
            Err((kind, Some(number), text))
        };
        match record.owner {
            Owner::Freed => return refuse(ViolationKind::FreedIrpUsed, "freed"),
            Owner::Originator if !record.sent && record.ended_by.is_some() => {
                let what = "made fresh by IoReuseIrp and not sent";
                return refuse(ViolationKind::ReusedIrpCancelled, what);
            }
            Owner::Originator | Owner::InFlight => {}
        }
        record.cancelling += 1;
        Ok((number, record.owner))
    }

    /// Notes in the ledger that a call of `IoCancelIrp` does not touch the IRP any more.
    fn end_cancel(&self, number: u32) {
        if let Some(record) = lock(&self.ledger).irps.get_mut(&number) {
            record.cancelling -= 1;
        }
    }

    /// Cancels an IRP; `true` if a cancel routine was called (`IoCancelIrp`).
    ///
    /// # Safety
    /// `irp` is allocated for the whole call, or is known to the ledger as freed.
    pub(crate) unsafe fn IoCancelIrp(self: &Arc<Self>, irp: *mut IRP) -> bool {
        let number = match self.begin_cancel(irp.addr()) {
            Ok((number, owner)) => {
                let late = if owner == Owner::Originator {
                    " (not in flight)"
                } else {
                    ""
                };
                self.check_irql(DISPATCH_LEVEL, Some(number), "IoCancelIrp");
                self.call(Some(number), format!("IoCancelIrp{late}"));
                number
            }
            Err((kind, number, text)) => {
                self.violate(kind, number, &text);
                return false;
            }
        };
        watched::share(irp.addr());
        self.faults.delay_at(DelayPoint::BeforeCancel);
        // SAFETY: allocated, as the ledger says, and it stays so: `IoFreeIrp` keeps the memory of
        // an IRP that is being cancelled. Until the routine is claimed only `Cancel` and
        // `CancelRoutine` are accessed, which everybody may; afterwards the IRP is this function's
        // until it calls the routine.
        let access = unsafe { Irp::new(irp) };
        let before = IoAcquireCancelSpinLock();
        access.set_cancel();
        let Some(routine) = access.exchange_cancel_routine(None) else {
            watched::share(irp.addr());
            IoReleaseCancelSpinLock(before);
            self.end_cancel(number);
            self.note(Some(number), "IoCancelIrp: no cancel routine is set");
            return false;
        };
        // The routine is claimed: its driver cannot complete the IRP before the routine has run.
        access.set_cancel_irql(before);
        let device = access
            .current()
            .map_or(std::ptr::null_mut(), StackLocation::device_object);
        self.faults.delay_at(DelayPoint::BeforeCancelRoutine);
        watched::share(irp.addr());
        // From here on the IRP belongs to the cancel routine.
        self.end_cancel(number);
        let lane = objects::lane_of(device);
        self.record(
            Some(number),
            Step::Call,
            Lane::IoManager,
            lane.clone(),
            "cancel routine",
        );
        {
            let _busy = this_thread::enter_routine(self, number, lane, false);
            // SAFETY: the driver that has the IRP has set the routine for it, and the swap above
            // has claimed it; it is called with the cancel spin lock held, as the WDK says.
            unsafe { routine(device, irp) };
        }
        if is_mine() {
            self.violate(
                ViolationKind::CancelLockNotReleased,
                Some(number),
                "the cancel routine returned without IoReleaseCancelSpinLock",
            );
            IoReleaseCancelSpinLock(before);
        }
        true
    }
}
