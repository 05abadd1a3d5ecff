//! What must come back of each request.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;

use wdm_irp::error::Failed;
use wdm_irp::in_flight::{Outcome, Sent};
use wdm_irp::irql::ApcLevel;
use wdm_irp::sys::{NT_SUCCESS, NTSTATUS, STATUS_CANCELLED};
use wdm_irp::{IrpError, Timeout};
use wdm_irp_sim::Device;
use wdm_irp_tests::AnyOutcome;

use crate::answers::{FRESH, MASK, data, respond, visible};
use crate::handles::Flight;
use crate::idle::{Idle, TakeBack};
use crate::program::{Answer, Kind, Lower, Method, RequestSpec, RoutineSpec, To};
use crate::routines::{Context, NestedState, Tally};
use crate::shared::{Shared, count};
use crate::slots::{Payload, Routine};

/// The result of a request that nobody cancels.
#[derive(Clone, Debug)]
struct Natural {
    status: NTSTATUS,
    information: usize,
    after: [Vec<u8>; 2],
}

/// Proves that a thread of a program may wait.
pub(crate) fn apc() -> ApcLevel {
    ApcLevel::check().expect("the program has raised the IRQL no further")
}

/// What must come back of one request.
pub(crate) struct Expected {
    pub(crate) shared: Arc<Shared>,
    pub(crate) tally: &'static Tally,
    pub(crate) lower: Lower,
    /// Where it ends, and what that answers.
    pub(crate) device: Device,
    pub(crate) device_answer: Answer,
    /// Where its IRP is kept, if it is.
    idle: Option<Arc<Idle>>,
    /// What the routine gets as its device object.
    own: usize,
    /// The contents of the buffers when it is sent.
    pub(crate) before: [Vec<u8>; 2],
    natural: Natural,
    nests: bool,
    /// Somebody has cancelled it, or is about to.
    pub(crate) cancelled: AtomicBool,
    /// Its handle went to another thread, or was dropped.
    pub(crate) moved: AtomicBool,
    /// It was reclaimed.
    pub(crate) done: AtomicBool,
}

/// Returns the input length of a buffered device control.
///
/// Now and then it is longer than the buffer, which the library refuses.
pub(crate) fn input_of_both(spec: &RequestSpec) -> usize {
    if spec.input % 8 == 1 {
        spec.input
    } else {
        spec.input.min(spec.output)
    }
}

impl fmt::Debug for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Expected")
            .field("lower", &self.lower)
            .field("before", &self.before)
            .field("natural", &self.natural)
            .field("cancelled", &self.cancelled)
            .finish_non_exhaustive()
    }
}

impl Expected {
    pub(crate) fn new(
        shared: &Arc<Shared>,
        spec: &RequestSpec,
        device: &Device,
        device_answer: Answer,
        idle: &Arc<Idle>,
    ) -> Arc<Self> {
        let own = match spec.to {
            To::Device => 0,
            To::Pair | To::Locked => shared.own.as_ptr().addr(),
        };
        let fresh = vec![FRESH; spec.output];
        let first = spec.first;
        let transfer = Answer::ALL[spec.answer];
        // The buffers, the bytes of output that a full answer writes, and where the input comes
        // from.
        let (before, answer, full, output) = match spec.kind {
            Kind::Read => {
                let output = data(first, spec.output);
                ([Vec::new(), fresh], transfer, spec.output, output)
            }
            Kind::Write => {
                let bytes = data(first, spec.output);
                ([Vec::new(), bytes], transfer, spec.output, Vec::new())
            }
            Kind::Flush | Kind::Shutdown | Kind::Pnp => {
                ([Vec::new(), Vec::new()], device_answer, 0, Vec::new())
            }
            Kind::Control { method, .. } => {
                let (before, input, room) = match method {
                    Method::Input => ([Vec::new(), data(first, spec.output)], spec.output, 0),
                    Method::Output => ([Vec::new(), fresh], 0, spec.output),
                    Method::Both => {
                        let bytes = data(first, spec.output);
                        ([Vec::new(), bytes], input_of_both(spec), spec.output)
                    }
                    Method::InDirect | Method::OutDirect | Method::Neither => {
                        ([data(first, spec.input), fresh], spec.input, spec.output)
                    }
                };
                let output: Vec<u8> = data(first, input).iter().map(|byte| byte ^ MASK).collect();
                (before, device_answer, input.min(room), output)
            }
        };
        let (status, information, written) = respond(answer, full);
        let mut after = before.clone();
        let written = written.min(output.len());
        after[1][..written].copy_from_slice(&output[..written]);
        Arc::new(Self {
            shared: shared.clone(),
            tally: shared.tally(),
            lower: spec.lower,
            device: device.clone(),
            device_answer,
            idle: spec.reuse.then(|| idle.clone()),
            own,
            before,
            natural: Natural {
                status,
                information,
                after,
            },
            nests: matches!(spec.routine, RoutineSpec::Nested(_)),
            cancelled: AtomicBool::new(false),
            moved: AtomicBool::new(false),
            done: AtomicBool::new(false),
        })
    }

    pub(crate) fn check(&self, holds: bool, error: impl FnOnce() -> String) {
        self.shared
            .errors
            .check(holds, || format!("{}: {self:?}", error()));
    }

    /// Checks all that a completed request gives back.
    pub(crate) fn completed<R: Routine, B: Payload, T, I: TakeBack<T>>(
        &self,
        outcome: Outcome<R, B, T, I>,
        may_time_out: bool,
    ) {
        let coverage = self.shared.coverage;
        let claimed = outcome.as_ref().err().map(Failed::error);
        let mut completed = outcome.completed();
        self.check(!self.done.swap(true, SeqCst), || {
            "completed twice".to_owned()
        });
        if completed.timed_out() {
            count(&coverage.timed_out);
            self.check(may_time_out, || "timed out".to_owned());
            self.cancelled.store(true, SeqCst);
        }
        let natural = &self.natural;
        let status = completed.status();
        let result = (status, completed.information());
        let cancelled =
            result == (STATUS_CANCELLED, 0) && self.lower.cancelable && self.cancelled.load(SeqCst);
        self.check(
            cancelled || result == (visible(natural.status), natural.information),
            || format!("{completed:?}"),
        );
        let contents = if cancelled && natural.status != STATUS_CANCELLED {
            count(&coverage.cancelled);
            &self.before
        } else {
            &natural.after
        };
        let error = if NT_SUCCESS(status) {
            None
        } else if completed.timed_out() && status == STATUS_CANCELLED {
            Some(IrpError::TimedOut)
        } else {
            Some(IrpError::Device(status))
        };
        self.check(claimed == error, || {
            format!("{claimed:?}, should be {error:?}")
        });
        if error.is_some() {
            count(&coverage.failed);
        }
        if let Some(transferred) = B::transferred(&mut completed) {
            let length = completed.information().min(contents[1].len());
            self.check(transferred == contents[1][..length], || {
                format!("transferred {transferred:?}")
            });
        }
        let (buffer, context) = match &self.idle {
            Some(idle) => I::take_back(completed, idle),
            None => completed.into_parts(),
        };
        buffer.show(|input, output| {
            self.check([input, output] == *contents, || {
                format!("the buffers hold {input:?}, {output:?}")
            });
        });
        self.context(context, result);
    }

    /// Returns whether its routine sends another request.
    pub(crate) fn has_nested(&self) -> bool {
        self.nests
    }

    /// Checks the context that comes back.
    fn context(&self, mut context: Context, (status, information): (NTSTATUS, usize)) {
        self.check(context.is_alive() && context.runs == 1, || {
            format!("{context:?}")
        });
        self.check(
            context.seen == Some((status, information, self.own)),
            || format!("the routine saw {:?}", context.seen),
        );
        let Some(mut nested) = context.nested.take() else {
            return;
        };
        let coverage = self.shared.coverage;
        count(&coverage.nested);
        let expected = &nested.expected;
        match std::mem::replace(&mut nested.state, NestedState::NotYet) {
            NestedState::NotYet => self.check(false, || "nothing nested was sent".to_owned()),
            NestedState::InSlot(sent) => expected.end(sent, nested.dropped),
            NestedState::Boxed(sent) => expected.end(sent, nested.dropped),
            NestedState::NotSent(error) => {
                let may_fail = self.shared.allocations_may_fail();
                let possible = match error {
                    IrpError::IrpAllocation
                    | IrpError::MdlAllocation
                    | IrpError::SlotAllocation => may_fail,
                    IrpError::SlotInUse => nested.slot.is_some(),
                    _ => false,
                };
                self.check(possible, || format!("nested: {error}"));
            }
        }
    }

    /// Ends a nested request.
    fn end<S: Flight>(&self, sent: Sent<S>, dropped: bool) {
        if matches!(sent, Sent::InFlight(_)) {
            count(&self.shared.coverage.nested_pended);
        }
        if dropped {
            return drop(sent);
        }
        self.completed(sent.wait(apc(), Timeout::FOREVER), false);
    }
}
