//! One request that is sent, and whether an attempt to send it may end as it did.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use wdm_irp::IrpError;

use crate::oracle::{Expected, input_of_both};
use crate::program::{Fault, How, Kind, Method, RequestSpec};
use crate::shared::{Allocation, count};

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

    /// Returns what becomes of the MDL of this attempt.
    pub(super) fn mdl(&self, occupied: Occupied) -> Allocation {
        let shared = &self.expected.shared;
        if occupied == Occupied::Maybe {
            shared.share_allocations();
        }
        if occupied == Occupied::Yes || self.is_invalid() || !self.needs_mdl() {
            return Allocation::Succeeds;
        }
        shared.allocation(Fault::Mdl)
    }

    /// Checks whether the attempt could end as it did, and notes whether the request was sent.
    pub(super) fn check_attempt(
        &self,
        occupied: Occupied,
        mdl: Allocation,
        error: Option<IrpError>,
    ) {
        let coverage = self.expected.shared.coverage;
        let possible = match error {
            None => {
                self.expected.tally.sent.fetch_add(1, SeqCst);
                occupied != Occupied::Yes && !self.is_invalid() && mdl != Allocation::Fails
            }
            Some(error) => {
                count(&coverage.refused);
                match error {
                    IrpError::SlotInUse => {
                        count(&coverage.slots_in_use);
                        occupied != Occupied::No
                    }
                    _ if occupied == Occupied::Yes => false,
                    IrpError::InvalidParameter => self.is_invalid(),
                    IrpError::MdlAllocation => {
                        count(&coverage.allocations_failed);
                        mdl != Allocation::Succeeds && !self.is_invalid()
                    }
                    _ => false,
                }
            }
        };
        self.expected
            .check(possible, || format!("sent, or not: {error:?}"));
    }
}
