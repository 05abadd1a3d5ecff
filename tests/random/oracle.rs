//! What a program must do: what lower drivers answer, and what comes back of each request.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wdm_irp::sys::{
    IRP_MJ_DEVICE_CONTROL, IRP_MJ_INTERNAL_DEVICE_CONTROL, IRP_MJ_READ, IRP_MJ_WRITE, NT_SUCCESS,
    NTSTATUS, STATUS_CANCELLED, STATUS_DRIVER_INTERNAL_ERROR, STATUS_PENDING, STATUS_SUCCESS,
};
use wdm_irp::{ApcLevel, Completed, IrpError, OwnDevice, Sent, Storage, Timeout};
use wdm_irp_sim::{Device, Handle, LowerIrp, Parameters};

use crate::program::{
    Answer, Fault, Kind, Lower, Method, RequestSpec, RoutineSpec, STATUS_BUFFER_OVERFLOW,
};
use crate::routines::{Context, NestedState, Payload, Routine, Tally};

/// Locks, whoever has panicked.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What was found wrong. A program goes on to its end all the same: unwinding could wait for ever.
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

/// Declares counters of what programs went through, so that a test can tell that it has tested something.
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
}

pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, SeqCst);
}

/// The allocations that will fail, as the model plans them.
#[derive(Debug, Default)]
struct Plan {
    irp: Vec<usize>,
    mdl: Vec<usize>,
    /// Other threads allocate, too: what fails depends on who comes first.
    shared: bool,
    /// The program makes allocations fail at some time.
    may_fail: bool,
}

/// What the threads of a program share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) machine: Handle,
    pub(crate) errors: Arc<Errors>,
    pub(crate) coverage: &'static Coverage,
    pub(crate) own: OwnDevice,
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
        machine: Handle,
        own: OwnDevice,
        tallies: &'static [Tally],
        coverage: &'static Coverage,
        may_fail: bool,
    ) -> Self {
        Self {
            machine,
            errors: Arc::default(),
            coverage,
            own,
            tallies,
            used: AtomicUsize::new(0),
            plan: Mutex::new(Plan {
                may_fail,
                ..Plan::default()
            }),
        }
    }

    /// The tally for a new request.
    pub(crate) fn tally(&self) -> &'static Tally {
        let tally = &self.tallies[self.used.fetch_add(1, SeqCst)];
        tally.reset();
        tally
    }

    pub(crate) fn fail(&self, fault: Fault, skip: usize) {
        let mut plan = lock(&self.plan);
        let (list, allocation) = match fault {
            Fault::Irp => (&mut plan.irp, wdm_irp_sim::Allocation::Irp),
            Fault::Mdl => (&mut plan.mdl, wdm_irp_sim::Allocation::Mdl),
        };
        list.push(skip);
        self.machine.faults().fail(allocation, skip);
    }

    /// No fault is left.
    pub(crate) fn clear_faults(&self) {
        let mut plan = lock(&self.plan);
        *plan = Plan {
            irp: Vec::new(),
            mdl: Vec::new(),
            ..*plan
        };
        self.machine.faults().clear();
    }

    /// Another thread is going to allocate.
    pub(crate) fn share_allocations(&self) {
        lock(&self.plan).shared = true;
    }

    /// What the next allocation does.
    pub(crate) fn allocation(&self, fault: Fault) -> Allocation {
        let mut plan = lock(&self.plan);
        if !plan.may_fail {
            return Allocation::Succeeds;
        }
        if plan.shared {
            return Allocation::Either;
        }
        let list = match fault {
            Fault::Irp => &mut plan.irp,
            Fault::Mdl => &mut plan.mdl,
        };
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

    /// At the end: each thing was dropped once, and each routine ran once if its request was sent.
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

/// Byte `index` of data that begins with `first`.
fn data_byte(first: u8, index: usize) -> u8 {
    first.wrapping_add(index.to_le_bytes()[0].wrapping_mul(3))
}

pub(crate) fn data(first: u8, length: usize) -> Vec<u8> {
    (0..length).map(|index| data_byte(first, index)).collect()
}

/// What is in a buffer for output before the driver writes to it.
const FRESH: u8 = 0xee;
/// What a device control makes of its input.
const MASK: u8 = 0x5a;

/// The offset of a read or write: its first byte, and the answer that it asks for.
pub(crate) fn offset(first: u8, answer: usize) -> i64 {
    i64::try_from(answer << 8).expect("small") | i64::from(first)
}

/// What the lower driver does: status, information, and the bytes of output that it writes.
fn respond(answer: Answer, full: usize) -> (NTSTATUS, usize, usize) {
    match answer {
        Answer::Transfer => (STATUS_SUCCESS, full, full),
        Answer::Half => (STATUS_BUFFER_OVERFLOW, full / 2, full / 2),
        Answer::Lie => (STATUS_SUCCESS, usize::MAX, 0),
        Answer::Pending => (STATUS_PENDING, 0, 0),
        Answer::Fail(status) => (status, 0, 0),
    }
}

/// The code of the lower drivers.
pub(crate) fn answer(irp: &LowerIrp, default: Answer, errors: &Errors) -> (NTSTATUS, usize) {
    let input = irp.input();
    let check = |first: Option<u8>| {
        let first = first.unwrap_or_default();
        errors.check(input == data(first, input.len()), || {
            format!("the driver got {input:?}, whose first byte should be {first}")
        });
    };
    let major = u32::from(irp.major());
    let (answer, output) = match irp.parameters() {
        Parameters::Transfer { byte_offset, .. } => {
            let [first, index, ..] = byte_offset.to_le_bytes();
            if major == IRP_MJ_WRITE {
                check(Some(first));
            } else {
                errors.check(major == IRP_MJ_READ, || format!("major {major}"));
            }
            let answer = Answer::ALL[usize::from(index)];
            let full = if major == IRP_MJ_WRITE {
                input.len()
            } else {
                irp.output_length()
            };
            let (status, information, written) = respond(answer, full);
            if major == IRP_MJ_READ {
                irp.write_output(&data(first, written));
            }
            return (status, information);
        }
        Parameters::Control { .. } => {
            check(input.first().copied());
            let known = [IRP_MJ_DEVICE_CONTROL, IRP_MJ_INTERNAL_DEVICE_CONTROL];
            errors.check(known.contains(&major), || format!("major {major}"));
            let output: Vec<u8> = input.iter().map(|byte| byte ^ MASK).collect();
            (default, output)
        }
        Parameters::Others(_) => (default, Vec::new()),
    };
    let full = output.len().min(irp.output_length());
    let (status, information, written) = respond(answer, full);
    irp.write_output(&output[..written]);
    (status, information)
}

/// The result of a request that nobody cancels.
#[derive(Clone, Debug)]
struct Natural {
    status: NTSTATUS,
    information: usize,
    after: [Vec<u8>; 2],
}

/// What the originator may see as a status.
const fn visible(status: NTSTATUS) -> NTSTATUS {
    if status == STATUS_PENDING {
        STATUS_DRIVER_INTERNAL_ERROR
    } else {
        status
    }
}

/// Proof that a thread of a program may wait.
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
    /// What the routine gets as its device object.
    own: usize,
    /// The contents of the buffers when it is sent.
    pub(crate) before: [Vec<u8>; 2],
    natural: Natural,
    nests: bool,
    /// Somebody has cancelled it, or is about to.
    pub(crate) cancelled: AtomicBool,
    /// Its handle went to another thread.
    pub(crate) moved: AtomicBool,
    /// It was reclaimed.
    pub(crate) done: AtomicBool,
}

/// The input length of a buffered device control; longer than the buffer now and then, which is refused.
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
    ) -> Arc<Self> {
        let own = if spec.own_location {
            shared.own.as_ptr().addr()
        } else {
            0
        };
        let fresh = vec![FRESH; spec.output];
        let first = spec.first;
        let transfer = Answer::ALL[spec.answer];
        // The buffers, the bytes of output that a full answer writes, and where the input comes from.
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
    pub(crate) fn completed<R: Routine, B: Payload>(
        &self,
        mut completed: Completed<R, B>,
        may_time_out: bool,
    ) {
        let coverage = self.shared.coverage;
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
        self.check(completed.error() == error, || {
            format!("{:?}, should be {error:?}", completed.error())
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
        let (context, buffer) = completed.into_parts();
        buffer.show(|input, output| {
            self.check([input, output] == *contents, || {
                format!("the buffers hold {input:?}, {output:?}")
            });
        });
        self.context(context, result);
    }

    /// Whether its routine sends another request.
    pub(crate) fn has_nested(&self) -> bool {
        self.nests
    }

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
            NestedState::InSlot(sent) => expected.settle(sent, nested.dropped),
            NestedState::Boxed(sent) => expected.settle(sent, nested.dropped),
            NestedState::NotSent(error) => {
                let may_fail = lock(&self.shared.plan).may_fail;
                let possible = match error {
                    IrpError::IrpAllocation | IrpError::MdlAllocation => may_fail,
                    IrpError::SlotInUse => nested.slot.is_some(),
                    _ => false,
                };
                self.check(possible, || format!("nested: {error}"));
            }
        }
    }

    /// Ends a nested request.
    fn settle<S>(&self, sent: Sent<S>, dropped: bool)
    where
        S: Storage,
        S::Routine: Routine,
        S::Buffer: Payload,
    {
        if matches!(sent, Sent::InFlight(_)) {
            count(&self.shared.coverage.nested_pended);
        }
        if dropped {
            return drop(sent);
        }
        self.completed(sent.wait(apc(), Timeout::FOREVER), false);
    }
}
