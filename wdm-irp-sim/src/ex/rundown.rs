//! Run-down protection: `ExAcquireRundownProtection` and its kin.
//!
//! `Count` is in the driver's memory, as in the kernel, so that it is seen when that memory is
//! gone: twice the number of accesses, and one more once the run-down has begun. It changes under
//! the ledger's lock. A thread that waits does so for an event of its own.

use std::sync::atomic::{AtomicUsize, Ordering};

use wdm_irp::sys::{APC_LEVEL, DISPATCH_LEVEL, EX_RUNDOWN_REF, KEVENT};

use crate::fault::DelayPoint;
use crate::ke::dispatcher::SYNCHRONIZATION_EVENT;
use crate::ke::{event, wait};
use crate::kernel::locks::{RundownRecord, WaitersEvent};
use crate::kernel::{Kernel, objects};
use crate::report::kind::ViolationKind;
use crate::sync::{Arc, lock};

/// `EX_RUNDOWN_ACTIVE`: the run-down has begun.
const ACTIVE: usize = 1;

/// One access in `Count`.
const ACCESS: usize = 2;

/// Returns the `Count` of run-down protection.
///
/// # Safety
/// `run_ref` is valid as long as the result is used, and the ledger's lock is held meanwhile.
unsafe fn count<'a>(run_ref: *mut EX_RUNDOWN_REF) -> &'a AtomicUsize {
    // SAFETY: valid by contract; it is aligned for a pointer, and accessed as an atomic only.
    unsafe { AtomicUsize::from_ptr(run_ref.cast()) }
}

impl Kernel {
    /// Initializes run-down protection (`ExInitializeRundownProtection`).
    ///
    /// # Safety
    /// `run_ref` is writable, and nobody else accesses it.
    pub(crate) unsafe fn ExInitializeRundownProtection(
        self: &Arc<Self>,
        run_ref: *mut EX_RUNDOWN_REF,
    ) {
        const FUNCTION: &str = "ExInitializeRundownProtection";
        self.check_irql(APC_LEVEL, None, FUNCTION);
        let address = run_ref.addr();
        let is_held = {
            let mut ledger = lock(&self.ledger);
            let is_held = ledger
                .rundowns
                .get(&address)
                .is_some_and(|record| record.accesses > 0);
            if !is_held {
                ledger.rundowns.insert(address, RundownRecord::default());
                // SAFETY: writable and nobody else's by contract.
                unsafe { run_ref.cast::<usize>().write(0) };
            }
            is_held
        };
        if is_held {
            self.violate(
                ViolationKind::RundownReinitialized,
                None,
                &format!("{FUNCTION} on run-down protection that is held"),
            );
            return;
        }
        objects::insert(address, self);
        self.call(None, FUNCTION);
    }

    /// Acts on the ledger's page about run-down protection, and on its `Count`, and records the
    /// call or what is wrong with it.
    ///
    /// # Safety
    /// `run_ref` is valid if it is initialized.
    unsafe fn with_rundown<T>(
        &self,
        run_ref: *mut EX_RUNDOWN_REF,
        highest_irql: u8,
        function: &str,
        action: impl FnOnce(
            &mut RundownRecord,
            &AtomicUsize,
        ) -> Result<T, (ViolationKind, &'static str)>,
    ) -> Option<T> {
        self.check_irql(highest_irql, None, function);
        let done = {
            let mut ledger = lock(&self.ledger);
            match ledger.rundowns.get_mut(&run_ref.addr()) {
                // SAFETY: initialized, as the ledger says, so valid by contract; the lock is held.
                Some(record) => action(record, unsafe { count(run_ref) }),
                None => Err((ViolationKind::RundownNotInitialized, "is not initialized")),
            }
        };
        match done {
            Ok(value) => {
                self.call(None, function);
                Some(value)
            }
            Err((kind, text)) => {
                let text = format!("{function} on run-down protection that {text}");
                self.violate(kind, None, &text);
                None
            }
        }
    }

    /// Allows accesses again (`ExReInitializeRundownProtection`).
    ///
    /// # Safety
    /// `run_ref` is valid if it is initialized.
    pub(crate) unsafe fn ExReInitializeRundownProtection(&self, run_ref: *mut EX_RUNDOWN_REF) {
        let function = "ExReInitializeRundownProtection";
        let reinitialize = |_: &mut RundownRecord, count: &AtomicUsize| {
            count
                .compare_exchange(ACTIVE, 0, Ordering::SeqCst, Ordering::SeqCst)
                .map_err(|_| (ViolationKind::RundownReinitialized, "is not run down"))
        };
        // SAFETY: by contract.
        unsafe { self.with_rundown(run_ref, APC_LEVEL, function, reinitialize) };
    }

    /// Acquires run-down protection, or returns `false` if the run-down has begun
    /// (`ExAcquireRundownProtection`).
    ///
    /// # Safety
    /// `run_ref` is valid if it is initialized.
    pub(crate) unsafe fn ExAcquireRundownProtection(&self, run_ref: *mut EX_RUNDOWN_REF) -> bool {
        let function = "ExAcquireRundownProtection";
        let acquire = |record: &mut RundownRecord, count: &AtomicUsize| {
            let acquired = count.load(Ordering::SeqCst) & ACTIVE == 0;
            if acquired {
                count.fetch_add(ACCESS, Ordering::SeqCst);
                record.accesses += 1;
            }
            Ok(acquired)
        };
        // SAFETY: by contract.
        let acquired = unsafe { self.with_rundown(run_ref, DISPATCH_LEVEL, function, acquire) };
        acquired == Some(true)
    }

    /// Releases run-down protection (`ExReleaseRundownProtection`).
    ///
    /// # Safety
    /// `run_ref` is valid if it is held, until it is released.
    pub(crate) unsafe fn ExReleaseRundownProtection(&self, run_ref: *mut EX_RUNDOWN_REF) {
        let function = "ExReleaseRundownProtection";
        let release = |record: &mut RundownRecord, count: &AtomicUsize| {
            if record.accesses == 0 {
                return Err((ViolationKind::RundownNotHeld, "is not held"));
            }
            record.accesses -= 1;
            let was_last = count.fetch_sub(ACCESS, Ordering::SeqCst) == ACTIVE + ACCESS;
            Ok(if was_last { record.waiter.take() } else { None })
        };
        // SAFETY: by contract.
        let waiter = unsafe { self.with_rundown(run_ref, DISPATCH_LEVEL, function, release) };
        if let Some(WaitersEvent(event)) = waiter.flatten() {
            // SAFETY: initialized by the thread that waits for it, and was taken out of the ledger
            // by this thread alone, so it is on that thread's stack until it is signaled here.
            unsafe { event::set(event) };
            self.faults.delay_at(DelayPoint::AfterSetEvent);
        }
    }

    /// Refuses accesses, and waits for those there are (`ExWaitForRundownProtectionRelease`).
    ///
    /// # Safety
    /// `run_ref` is valid if it is initialized, until this returns.
    pub(crate) unsafe fn ExWaitForRundownProtectionRelease(&self, run_ref: *mut EX_RUNDOWN_REF) {
        let function = "ExWaitForRundownProtectionRelease";
        // SAFETY: a KEVENT has numbers and raw pointers only, for which zeros are valid.
        let mut event: KEVENT = unsafe { std::mem::zeroed() };
        let event = &raw mut event;
        // SAFETY: a local variable that nobody else knows yet.
        unsafe { event::initialize(event, SYNCHRONIZATION_EVENT, false) };
        let begin = |record: &mut RundownRecord, count: &AtomicUsize| {
            let before = count.fetch_or(ACTIVE, Ordering::SeqCst);
            if before > ACTIVE && before & ACTIVE != 0 {
                let text = "another thread waits for";
                return Err((ViolationKind::RundownWaitedForTwice, text));
            }
            let waits = before >= ACCESS;
            if waits {
                record.waiter = Some(WaitersEvent(event));
            }
            Ok(waits)
        };
        // SAFETY: by contract.
        let waits = unsafe { self.with_rundown(run_ref, APC_LEVEL, function, begin) };
        if waits == Some(true) {
            self.faults.delay_at(DelayPoint::BeforeWait);
            let what = "run-down protection that is held (ExWaitForRundownProtectionRelease)";
            // SAFETY: the event was initialized above, and lives until this returns.
            unsafe { wait::block(self, event, None, what) };
            self.note(None, "ExWaitForRundownProtectionRelease returned");
        }
    }

    /// Notes that the run-down is complete (`ExRundownCompleted`).
    ///
    /// # Safety
    /// `run_ref` is valid if it is initialized.
    pub(crate) unsafe fn ExRundownCompleted(&self, run_ref: *mut EX_RUNDOWN_REF) {
        let complete = |_: &mut RundownRecord, count: &AtomicUsize| {
            if count.load(Ordering::SeqCst) == ACTIVE {
                Ok(())
            } else {
                Err((ViolationKind::RundownReinitialized, "is not run down"))
            }
        };
        // SAFETY: by contract.
        unsafe { self.with_rundown(run_ref, APC_LEVEL, "ExRundownCompleted", complete) };
    }
}
