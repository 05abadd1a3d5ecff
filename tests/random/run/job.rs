//! One request that is sent, and whether an attempt to send it may end as it did.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use wdm_irp::IrpError;

use crate::oracle::{Expected, input_of_both};
use crate::program::{Fault, How, Kind, Method, RequestSpec, To};
use crate::shared::{Allocation, Removal, count};

/// What a slot is known to be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Occupied {
    No,
    Yes,
    /// Another thread is about to empty it, or the routine of an abandoned request is.
    Maybe,
}

/// One request that is sent.
pub(super) struct Job<'a> {
    pub(super) spec: &'a RequestSpec,
    pub(super) how: How,
    pub(super) expected: Arc<Expected>,
    pub(super) direct: bool,
    /// Whether the routines of pairs are registered with `IoSetCompletionRoutineEx`.
    pub(super) registered: bool,
}

impl Job<'_> {
    /// Returns whether the buffers do not fit the arguments.
    pub(super) fn is_invalid(&self) -> bool {
        let both = Kind::Control {
            method: Method::Both,
            internal: false,
        };
        let spec = self.spec;
        let kind = match spec.kind {
            Kind::Control { method, .. } => Kind::Control {
                method,
                internal: false,
            },
            other => other,
        };
        kind == both && input_of_both(spec) > spec.output
    }

    pub(super) fn needs_mdl(&self) -> bool {
        let direct = match self.spec.kind {
            Kind::Read | Kind::Write => self.direct,
            Kind::Control { method, .. } => matches!(method, Method::InDirect | Method::OutDirect),
            _ => false,
        };
        direct && self.spec.output > 0
    }

    /// Foresees how an attempt to send it can end: the memory that it needs, in this order, and the
    /// lock.
    pub(super) fn attempt(&self, memory: Memory) -> Attempt<'_> {
        let shared = &self.expected.shared;
        let removal = if self.spec.to == To::Locked {
            shared.removal()
        } else {
            Removal::Not
        };
        let occupied = match memory {
            Memory::Static(occupied) => occupied,
            Memory::Stack | Memory::Pool => Occupied::No,
        };
        if occupied == Occupied::Maybe || removal != Removal::Not {
            shared.share_allocations();
        }
        let mut goes_on = occupied != Occupied::Yes;
        let mut allocation = |fault, is_needed: bool| {
            if !goes_on || !is_needed {
                return Allocation::Succeeds;
            }
            let allocation = shared.allocation(fault);
            goes_on = allocation != Allocation::Fails;
            allocation
        };
        let pool = allocation(Fault::Pool, matches!(memory, Memory::Pool));
        let is_valid = !self.is_invalid();
        let mdl = allocation(Fault::Mdl, is_valid && self.needs_mdl());
        let registers = is_valid && self.spec.to != To::Device && self.registered;
        let registration = allocation(Fault::Registration, registers);
        Attempt {
            job: self,
            occupied,
            removal,
            pool,
            mdl,
            registration,
        }
    }
}

/// Where the memory of a request is.
#[derive(Clone, Copy)]
pub(super) enum Memory {
    Stack,
    Static(Occupied),
    Pool,
}

/// How an attempt to send a request can end.
pub(super) struct Attempt<'a> {
    job: &'a Job<'a>,
    occupied: Occupied,
    /// Of the device whose lock it needs.
    removal: Removal,
    pool: Allocation,
    mdl: Allocation,
    registration: Allocation,
}

impl Attempt<'_> {
    /// Checks whether the attempt could succeed, and notes that the request was sent.
    pub(super) fn succeeded(&self) {
        let expected = &self.job.expected;
        expected.tally.sent.fetch_add(1, SeqCst);
        let possible = self.occupied != Occupied::Yes
            && !self.job.is_invalid()
            && self.removal != Removal::Over
            && [self.pool, self.mdl, self.registration]
                .iter()
                .all(|it| *it != Allocation::Fails);
        expected.check(possible, || "sent".to_owned());
    }

    /// Checks whether the attempt could fail as it did.
    pub(super) fn failed(&self, error: IrpError) {
        let expected = &self.job.expected;
        let coverage = expected.shared.coverage;
        count(&coverage.refused);
        let may_fail = |allocation| {
            count(&coverage.allocations_failed);
            allocation != Allocation::Succeeds
        };
        let is_valid = !self.job.is_invalid();
        let may_be_free = self.occupied != Occupied::Yes;
        let possible = match error {
            IrpError::SlotInUse => {
                count(&coverage.slots_in_use);
                self.occupied != Occupied::No
            }
            IrpError::SlotAllocation => may_fail(self.pool),
            IrpError::DeletePending => {
                count(&coverage.refused_by_a_removal);
                let begun = expected.shared.removal() != Removal::Not;
                may_be_free && self.job.spec.to == To::Locked && begun
            }
            IrpError::InvalidParameter => may_be_free && !is_valid,
            IrpError::MdlAllocation => may_be_free && is_valid && may_fail(self.mdl),
            IrpError::RoutineRegistration => may_be_free && is_valid && may_fail(self.registration),
            _ => false,
        };
        expected.check(possible, || format!("not sent: {error:?}"));
    }
}
