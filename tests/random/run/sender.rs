//! A thread of a program that sends requests, and what it allocates for them.

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::Arc;
use std::thread::JoinHandle;

use wdm_irp::in_flight::Canceller;
use wdm_irp::sys::DISPATCH_LEVEL;
use wdm_irp::target::Target;
use wdm_irp::{Irp, IrpError};

use super::job::Job;
use super::stack::Stack;
use crate::answers::offset;
use crate::handles::Held;
use crate::oracle::Expected;
use crate::program::{
    Completer, DeviceSpec, Fault, Kind, Lower, Nested, RequestSpec, RoutineSpec, To,
};
use crate::routines::{Context, NestedRequest, NestedState};
use crate::shared::{Allocation, Shared, count};
use crate::slots::{SLOTS, Slots};

/// A thread of a program that sends requests.
pub(super) struct Sender {
    pub(super) shared: Arc<Shared>,
    pub(super) handles: Vec<Box<dyn Held>>,
    /// The rights to cancel requests, which may be over.
    pub(super) cancellers: Vec<(Canceller, Arc<Expected>)>,
    pub(super) threads: Vec<JoinHandle<()>>,
    /// What waits for the remove lock.
    pub(super) removal: Option<JoinHandle<()>>,
    /// The slots that live forever, if this thread may use them.
    pub(super) slots: Option<&'static Slots>,
    /// What was put into them last, by address.
    pub(super) occupants: HashMap<usize, Arc<Expected>>,
    /// The slots that a request was to go to.
    pub(super) touched: Vec<&'static dyn Debug>,
}

impl Sender {
    /// Allocates an IRP, and checks whether it could fail as it did.
    pub(super) fn allocate<T: Target>(&self, target: T) -> Option<Irp<T>> {
        let allocation = self.shared.allocation(Fault::Irp);
        let (possible, irp) = match Irp::allocate(target) {
            Ok(irp) => (allocation != Allocation::Fails, Some(irp)),
            Err(error) => {
                count(&self.shared.coverage.allocations_failed);
                let failed = error == IrpError::IrpAllocation;
                (failed && allocation != Allocation::Succeeds, None)
            }
        };
        self.shared.errors.check(possible, || {
            format!("IoAllocateIrp: {allocation:?}, but {}", irp.is_some())
        });
        irp
    }

    /// Makes the context of a request, with the request that the routine is to send.
    pub(super) fn context(&self, job: &Job) -> Context {
        let nested = match job.spec.routine {
            RoutineSpec::Nested(nested) => Some(Box::new(self.nested(nested, job.spec))),
            _ => None,
        };
        Context::new(job.expected.tally, nested)
    }

    pub(super) fn nested(&self, nested: Nested, outer: &RequestSpec) -> NestedRequest {
        self.shared.share_allocations();
        let device = DeviceSpec {
            method: nested.method,
            filters: 0,
            answer: nested.answer,
            registered: false,
        };
        let stack = Stack::new(&self.shared, device);
        let lower = Lower {
            completer: if nested.inline {
                Completer::Inline
            } else {
                Completer::After(0)
            },
            marked: nested.marked,
            cancelable: nested.dropped,
            returns: None,
            irql: DISPATCH_LEVEL,
        };
        stack.behave(&self.shared, lower);
        let spec = RequestSpec {
            device: 0,
            to: To::Device,
            reuse: false,
            kind: Kind::Read,
            output: nested.size,
            routine: RoutineSpec::SignalIfPended,
            lower,
            ..*outer
        };
        NestedRequest {
            target: stack.top.target().clone(),
            slot: self
                .slots
                .filter(|_| !nested.boxed)
                .map(|slots| &slots.nested[nested.size % SLOTS]),
            offset: offset(spec.first, spec.answer),
            expected: Expected::new(&self.shared, &spec, &stack.base, nested.answer, &stack.idle),
            state: NestedState::NotYet,
            dropped: nested.dropped,
        }
    }
}
