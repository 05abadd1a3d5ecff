//! What the threads of a program share: errors, coverage, and the allocations that are to fail.

use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wdm_irp_sim::{Device, MachineHandle};
use wdm_irp_tests::Kept;

use crate::program::Fault;
use crate::routines::Tally;

/// Locks, whoever has panicked.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What was found wrong.
///
/// A program goes on to its end all the same: unwinding could wait forever.
#[derive(Debug, Default)]
pub(crate) struct Errors(Mutex<Vec<String>>);

impl Errors {
    pub(crate) fn add(&self, error: impl Into<String>) {
        lock(&self.0).push(error.into());
    }

    pub(crate) fn check(&self, holds: bool, error: impl FnOnce() -> String) {
        if !holds {
            self.add(error());
        }
    }

    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.0))
    }
}

/// Declares counters of what programs went through, so that a test knows what it has tested.
macro_rules! coverage {
    ($($name:ident)*) => {
        #[derive(Debug, Default)]
        pub(crate) struct Coverage { $(pub(crate) $name: AtomicU64,)* }

        impl Coverage {
            pub(crate) const NAMES: &[&str] = &[$(stringify!($name)),*];

            pub(crate) fn values(&self) -> Vec<u64> {
                vec![$(self.$name.load(SeqCst)),*]
            }
        }
    };
}

coverage! {
    completed_inline in_flight cancelled timed_out failed refused scopes_panicked polls_early
    triggered on_other_threads nested nested_pended slots_reused slots_in_use allocations_failed own_locations
    lent_targets locked registered abandoned waited_in_vain irps_reused cancellers_used removals
    refused_by_a_removal
}

pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, SeqCst);
}

/// The allocations that will fail, as the model plans them.
#[derive(Debug, Default)]
struct Plan {
    irp: Vec<usize>,
    mdl: Vec<usize>,
    pool: Vec<usize>,
    registration: Vec<usize>,
    /// Other threads allocate, too: what fails depends on who comes first.
    shared: bool,
    /// The program makes allocations fail at some time.
    may_fail: bool,
}

impl Plan {
    /// Returns when the allocation is to fail: so many are skipped before.
    fn of(&mut self, fault: Fault) -> &mut Vec<usize> {
        match fault {
            Fault::Irp => &mut self.irp,
            Fault::Mdl => &mut self.mdl,
            Fault::Pool => &mut self.pool,
            Fault::Registration => &mut self.registration,
        }
    }
}

/// How far the removal of the driver's own device has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Removal {
    Not,
    Begun,
    Over,
}

/// What the threads of a program share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) machine: MachineHandle,
    pub(crate) errors: Arc<Errors>,
    pub(crate) coverage: &'static Coverage,
    pub(crate) own: Device,
    /// The locks of `own`, if a request of the program needs them.
    pub(crate) locks: Option<Kept>,
    removal: Mutex<Removal>,
    tallies: &'static [Tally],
    used: AtomicUsize,
    plan: Mutex<Plan>,
}

/// How a call can end, as far as allocations are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Allocation {
    Succeeds,
    Fails,
    Either,
}

impl Shared {
    pub(crate) fn new(
        machine: MachineHandle,
        own: Device,
        locks: Option<Kept>,
        tallies: &'static [Tally],
        coverage: &'static Coverage,
        may_fail: bool,
    ) -> Self {
        Self {
            machine,
            errors: Arc::default(),
            coverage,
            own,
            locks,
            removal: Mutex::new(Removal::Not),
            tallies,
            used: AtomicUsize::new(0),
            plan: Mutex::new(Plan {
                may_fail,
                ..Plan::default()
            }),
        }
    }

    /// Returns how far the removal of the own device has come.
    pub(crate) fn removal(&self) -> Removal {
        *lock(&self.removal)
    }

    pub(crate) fn set_removal(&self, removal: Removal) {
        *lock(&self.removal) = removal;
    }

    /// Takes a tally for a new request.
    pub(crate) fn tally(&self) -> &'static Tally {
        let tally = &self.tallies[self.used.fetch_add(1, SeqCst)];
        tally.reset();
        tally
    }

    pub(crate) fn fail(&self, fault: Fault, skip: usize) {
        let allocation = match fault {
            Fault::Irp => wdm_irp_sim::Allocation::Irp,
            Fault::Mdl => wdm_irp_sim::Allocation::Mdl,
            Fault::Pool => wdm_irp_sim::Allocation::Pool,
            Fault::Registration => wdm_irp_sim::Allocation::Registration,
        };
        let mut plan = lock(&self.plan);
        plan.of(fault).push(skip);
        self.machine.faults().fail(allocation, skip);
    }

    /// Removes all faults.
    pub(crate) fn clear_faults(&self) {
        let mut plan = lock(&self.plan);
        *plan = Plan {
            shared: plan.shared,
            may_fail: plan.may_fail,
            ..Plan::default()
        };
        self.machine.faults().clear();
    }

    /// Returns whether the program makes allocations fail at some time.
    pub(crate) fn allocations_may_fail(&self) -> bool {
        lock(&self.plan).may_fail
    }

    /// Says that another thread is going to allocate.
    pub(crate) fn share_allocations(&self) {
        lock(&self.plan).shared = true;
    }

    /// Returns what the next allocation does.
    pub(crate) fn allocation(&self, fault: Fault) -> Allocation {
        let mut plan = lock(&self.plan);
        if !plan.may_fail {
            return Allocation::Succeeds;
        }
        if plan.shared {
            return Allocation::Either;
        }
        let list = plan.of(fault);
        let fails = list.contains(&0);
        list.retain(|skip| *skip != 0);
        for skip in list {
            *skip -= 1;
        }
        if fails {
            Allocation::Fails
        } else {
            Allocation::Succeeds
        }
    }

    /// Checks that each thing was dropped once, and each routine ran once if its request was sent.
    pub(crate) fn check_tallies(&self) {
        for (number, tally) in self.tallies[..self.used.load(SeqCst)].iter().enumerate() {
            let get = |counter: &std::sync::atomic::AtomicU32| counter.load(SeqCst);
            let fair = get(&tally.ran) == get(&tally.sent)
                && get(&tally.sent) <= 1
                && get(&tally.contexts) == get(&tally.context_drops)
                && get(&tally.buffers) == get(&tally.buffer_drops);
            self.errors
                .check(fair, || format!("request {number}: {tally:?}"));
        }
    }
}
