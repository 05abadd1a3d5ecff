//! Runs a program, and checks it.

use std::collections::HashMap;
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use wdm_irp::sys::{APC_LEVEL, DISPATCH_LEVEL, NT_SUCCESS};
use wdm_irp::{
    ApcLevel, Armed, AtMostApc, ByteOffset, DispatchLevel, Irp, IrpError, MaySend, NotSent,
    PassiveLevel, PassiveOnly, PnpMinor, Request, SendError, SendIrql, Sent, Slot, SystemBuffer,
    TargetDevice, Transfer, UpToDispatch,
};
use wdm_irp_sim::irql::{self, Raised};
use wdm_irp_sim::{Behavior, Device, DeviceOptions, Handle, Machine};
use wdm_irp_tests::codes::{BUFFERED, IN_DIRECT, NEITHER, OUT_DIRECT};
use wdm_irp_tests::{own_device, target};

use crate::handles::{self, Held, Rescue, apply, check_sent, keep, trigger};
use crate::oracle::{
    Allocation, Coverage, Expected, Shared, answer, apc, count, input_of_both, lock, offset,
};
use crate::program::{
    Completer, DeviceSpec, Fault, HandleOp, How, IoMethod, Kind, Limit, Lower, Method, Nested,
    Program, RequestSpec, RoutineSpec, ScopeOp, Step,
};
use crate::routines::{
    Context, NestedRequest, NestedState, Owned, Payload, Routine, SLOTS, Slots, Tally, checking,
    matching, nesting, signal_if_pended,
};

/// What outlives every program.
#[derive(Clone, Copy)]
pub(crate) struct Fixed {
    tallies: &'static [Tally],
    slots: &'static Slots,
    pub(crate) coverage: &'static Coverage,
}

impl Fixed {
    pub(crate) fn get() -> Self {
        /// Enough for the longest program, whose every step sends a request whose routine sends another one.
        const TALLIES: usize = 24;
        static FIXED: OnceLock<Fixed> = OnceLock::new();
        *FIXED.get_or_init(|| Self {
            tallies: Box::leak((0..TALLIES).map(|_| Tally::default()).collect()),
            slots: Box::leak(Box::default()),
            coverage: Box::leak(Box::default()),
        })
    }
}

/// A device, and the filter on top of it, or itself.
struct Stack {
    base: Device,
    top: Device,
    spec: DeviceSpec,
}

impl Stack {
    fn new(machine: &Handle, spec: DeviceSpec) -> Self {
        let options = DeviceOptions::new("disk");
        let options = match spec.method {
            IoMethod::Buffered => options.buffered(),
            IoMethod::Direct => options.direct(),
            IoMethod::Neither => options.neither(),
        };
        let base = machine.device_with(options, Behavior::transfer());
        let top = (0..spec.filters).fold(base.clone(), |lower, _| machine.filter_over(&lower));
        Self { base, top, spec }
    }

    /// What the device does with the next request.
    fn behave(&self, shared: &Shared, lower: Lower) {
        let (default, errors) = (self.spec.answer, shared.errors.clone());
        let behavior = Behavior::respond(move |irp| answer(irp, default, &errors));
        let behavior = behavior.when(lower.when()).at_irql(lower.irql);
        self.base.set_behavior(behavior);
    }
}

/// The IRQLs at which a kind of request is sent.
trait Levels: SendIrql + Sized {
    /// For calls that may wait.
    type Wait: AtMostApc + MaySend<Self>;
    /// For calls that only send.
    type Send: MaySend<Self>;

    fn to_wait(raised: bool) -> (Option<Raised>, Self::Wait);
    fn to_send(raised: bool) -> (Option<Raised>, Self::Send);
}

impl Levels for UpToDispatch {
    type Wait = ApcLevel;
    type Send = DispatchLevel;

    fn to_wait(raised: bool) -> (Option<Raised>, ApcLevel) {
        (raised.then(|| irql::raise(APC_LEVEL)), apc())
    }

    fn to_send(raised: bool) -> (Option<Raised>, DispatchLevel) {
        let raised = raised.then(|| irql::raise(DISPATCH_LEVEL));
        (raised, DispatchLevel::check().expect("just raised to it"))
    }
}

impl Levels for PassiveOnly {
    type Wait = PassiveLevel;
    type Send = PassiveLevel;

    fn to_wait(_: bool) -> (Option<Raised>, PassiveLevel) {
        let at = PassiveLevel::check();
        (None, at.expect("programs begin at PASSIVE_LEVEL"))
    }

    fn to_send(raised: bool) -> (Option<Raised>, PassiveLevel) {
        Self::to_wait(raised)
    }
}

/// What a slot is known to be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Occupied {
    No,
    Yes,
    /// Another thread is about to empty it.
    Maybe,
}

/// A thread of a program that sends requests.
struct Sender {
    shared: Arc<Shared>,
    handles: Vec<Box<dyn Held>>,
    threads: Vec<JoinHandle<()>>,
    /// The slots that live for ever, if this thread may use them, and what was put into them last, by address.
    slots: Option<&'static Slots>,
    occupants: HashMap<usize, Arc<Expected>>,
    /// The slots that a request was to go to.
    touched: Vec<&'static dyn Debug>,
}

/// One request that is sent.
struct Job<'a> {
    spec: &'a RequestSpec,
    how: How,
    expected: Arc<Expected>,
    direct: bool,
}

impl Job<'_> {
    /// The buffers do not fit the arguments.
    fn is_invalid(&self) -> bool {
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

    fn needs_mdl(&self) -> bool {
        let direct = match self.spec.kind {
            Kind::Read | Kind::Write => self.direct,
            Kind::Control { method, .. } => matches!(method, Method::InDirect | Method::OutDirect),
            _ => false,
        };
        direct && self.spec.output > 0
    }

    /// What the MDL of this attempt will be.
    fn mdl(&self, occupied: Occupied) -> Allocation {
        let shared = &self.expected.shared;
        if occupied == Occupied::Maybe {
            shared.share_allocations();
        }
        if occupied == Occupied::Yes || self.is_invalid() || !self.needs_mdl() {
            return Allocation::Succeeds;
        }
        shared.allocation(Fault::Mdl)
    }

    /// Checks whether the request could be sent, or not sent, like this; whether it was.
    fn check_attempt(&self, occupied: Occupied, mdl: Allocation, error: Option<IrpError>) {
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

impl Sender {
    /// `IoAllocateIrp`, checked.
    fn allocate<'d>(&self, target: &'d TargetDevice, own_location: bool) -> Option<Irp<'d>> {
        let allocation = self.shared.allocation(Fault::Irp);
        let result = if own_location {
            count(&self.shared.coverage.own_locations);
            Irp::allocate_with_own_location(target, &self.shared.own)
        } else {
            Irp::allocate(target)
        };
        let (possible, irp) = match result {
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

    /// The context of a request, with the request that the routine is to send.
    fn context(&self, job: &Job) -> Context {
        let nested = match job.spec.routine {
            RoutineSpec::Nested(nested) => Some(Box::new(self.nested(nested, job.spec))),
            _ => None,
        };
        Context::new(job.expected.tally, nested)
    }

    fn nested(&self, nested: Nested, outer: &RequestSpec) -> NestedRequest {
        self.shared.share_allocations();
        let device = DeviceSpec {
            method: nested.method,
            filters: 0,
            answer: nested.answer,
        };
        let stack = Stack::new(&self.shared.machine, device);
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
            own_location: false,
            kind: Kind::Read,
            output: nested.size,
            routine: RoutineSpec::SignalIfPended,
            lower,
            ..*outer
        };
        NestedRequest {
            target: target(&stack.top),
            slot: self
                .slots
                .filter(|_| !nested.boxed)
                .map(|slots| &slots.nested[nested.size % SLOTS]),
            offset: offset(spec.first, spec.answer),
            expected: Expected::new(&self.shared, &spec, &stack.base, nested.answer),
            state: NestedState::NotYet,
            dropped: nested.dropped,
        }
    }

    /// Allocates, makes the request, arms it, sends it.
    fn send(&mut self, stack: &Stack, spec: &RequestSpec, how: How) {
        let Some(irp) = self.allocate(stack.top.target(), spec.own_location) else {
            return;
        };
        stack.behave(&self.shared, spec.lower);
        let how = match how {
            How::InSlot(_) if self.slots.is_none() => How::Boxed,
            how => how,
        };
        let job = Job {
            spec,
            how,
            expected: Expected::new(&self.shared, spec, &stack.base, stack.spec.answer),
            direct: stack.spec.method == IoMethod::Direct,
        };
        if spec.borrowed && matches!(how, How::AndWait(_) | How::Scoped(_)) {
            self.send_lent(irp, &job);
        } else {
            self.send_owned(irp, &job);
        }
    }

    /// Makes a request whose buffers are borrowed.
    fn send_lent(&self, irp: Irp<'_>, job: &Job) {
        let spec = job.spec;
        let offset = ByteOffset(offset(spec.first, spec.answer));
        let [mut first, mut second] = job.expected.before.clone();
        {
            let (first, second) = (&mut first[..], &mut second[..]);
            match spec.kind {
                Kind::Flush => self.lent(irp.flush(), job),
                Kind::Shutdown => self.lent(irp.shutdown(), job),
                Kind::Pnp => self.lent(irp.pnp(PnpMinor::QUERY_PNP_DEVICE_STATE), job),
                Kind::Read => self.lent(irp.read(second, offset), job),
                Kind::Write => self.lent(irp.write(second, offset), job),
                Kind::Control { method, internal } => match (method, internal) {
                    (Method::InDirect, true) => {
                        let pair = (first, second);
                        self.lent(irp.internal_device_control(IN_DIRECT, pair), job);
                    }
                    (Method::InDirect, false) => {
                        self.lent(irp.device_control(IN_DIRECT, (first, second)), job);
                    }
                    (Method::OutDirect, true) => {
                        let pair = (first, second);
                        self.lent(irp.internal_device_control(OUT_DIRECT, pair), job);
                    }
                    (Method::OutDirect, false) => {
                        self.lent(irp.device_control(OUT_DIRECT, (first, second)), job);
                    }
                    (Method::Neither, true) => {
                        let pair = (first, second);
                        self.lent(irp.internal_device_control(NEITHER, pair), job);
                    }
                    (Method::Neither, false) => {
                        self.lent(irp.device_control(NEITHER, (first, second)), job);
                    }
                    (Method::Input | Method::Output | Method::Both, true) => {
                        let buffer = system_buffer(method, second, spec);
                        self.lent(irp.internal_device_control(BUFFERED, buffer), job);
                    }
                    (Method::Input | Method::Output | Method::Both, false) => {
                        let buffer = system_buffer(method, second, spec);
                        self.lent(irp.device_control(BUFFERED, buffer), job);
                    }
                },
            }
        }
        // It can be used again, and nobody else does.
        first.fill(0);
        second.fill(0);
    }

    /// Makes a request that owns its buffers.
    fn send_owned(&mut self, irp: Irp<'_>, job: &Job) {
        let spec = job.spec;
        let offset = ByteOffset(offset(spec.first, spec.answer));
        let [first, second] = job.expected.before.clone();
        let tally = job.expected.tally;
        match spec.kind {
            Kind::Flush => self.owned(irp.flush(), job),
            Kind::Shutdown => self.owned(irp.shutdown(), job),
            Kind::Pnp => self.owned(irp.pnp(PnpMinor::QUERY_PNP_DEVICE_STATE), job),
            Kind::Read => self.owned(irp.read(tally.buffer(second), offset), job),
            Kind::Write => self.owned(irp.write(tally.buffer(second), offset), job),
            Kind::Control { method, internal } => {
                let second = tally.buffer(second);
                let pair = |second| (tally.buffer(first.clone()), second);
                match (method, internal) {
                    (Method::InDirect, true) => {
                        let pair = pair(second);
                        self.owned(irp.internal_device_control(IN_DIRECT, pair), job);
                    }
                    (Method::InDirect, false) => {
                        self.owned(irp.device_control(IN_DIRECT, pair(second)), job);
                    }
                    (Method::OutDirect, true) => {
                        let pair = pair(second);
                        self.owned(irp.internal_device_control(OUT_DIRECT, pair), job);
                    }
                    (Method::OutDirect, false) => {
                        self.owned(irp.device_control(OUT_DIRECT, pair(second)), job);
                    }
                    (Method::Neither, true) => {
                        let pair = pair(second);
                        self.owned(irp.internal_device_control(NEITHER, pair), job);
                    }
                    (Method::Neither, false) => {
                        self.owned(irp.device_control(NEITHER, pair(second)), job);
                    }
                    (Method::Input | Method::Output | Method::Both, true) => {
                        let buffer = system_buffer(method, second, spec);
                        self.owned(irp.internal_device_control(BUFFERED, buffer), job);
                    }
                    (Method::Input | Method::Output | Method::Both, false) => {
                        let buffer = system_buffer(method, second, spec);
                        self.owned(irp.device_control(BUFFERED, buffer), job);
                    }
                }
            }
        }
    }

    /// Arms a request whose buffer is owned, and sends it in any way.
    fn owned<K, B>(&mut self, request: Request<'_, K, B>, job: &Job)
    where
        K: Transfer<B, Irql: Levels>,
        B: Owned,
    {
        let context = self.context(job);
        match job.spec.routine {
            RoutineSpec::SignalIfPended => {
                self.anyhow(request.on_completion(signal_if_pended, context), job);
            }
            RoutineSpec::Match => self.anyhow(request.on_completion(matching, context), job),
            RoutineSpec::Check => self.anyhow(request.on_completion(checking, context), job),
            RoutineSpec::Nested(_) => self.anyhow(request.on_completion(nesting, context), job),
        }
    }

    fn anyhow<K, B, R>(&mut self, request: Request<'_, K, B, Armed<R>>, job: &Job)
    where
        K: Transfer<B, Irql: Levels>,
        B: Owned,
        R: Routine,
    {
        let not_sent = match job.how {
            How::AndWait(limit) => Self::and_wait(request, job, limit).err(),
            How::Scoped(op) => Self::scoped(request, job, op).err(),
            How::InSlot(slot) => {
                let slots = self.slots.expect("this thread has slots");
                self.in_slot(request, job, &B::slots(R::slots(slots))[slot % SLOTS])
                    .err()
            }
            How::Boxed => self.boxed(request, job).err(),
        };
        let Some(not_sent) = not_sent.filter(|_| job.spec.again) else {
            return;
        };
        let request = not_sent.request;
        let _ = match job.how {
            How::AndWait(limit) => Self::and_wait(request, job, limit).err(),
            How::Scoped(op) => Self::scoped(request, job, op).err(),
            How::InSlot(_) | How::Boxed => self.boxed(request, job).err(),
        };
    }

    /// Arms a request whose buffer is borrowed, and sends it in a way that ends here.
    fn lent<K, B>(&self, request: Request<'_, K, B>, job: &Job)
    where
        K: Transfer<B, Irql: Levels>,
        B: Payload,
    {
        let context = self.context(job);
        match job.spec.routine {
            RoutineSpec::SignalIfPended => {
                Self::here(request.on_completion(signal_if_pended, context), job);
            }
            RoutineSpec::Match => Self::here(request.on_completion(matching, context), job),
            RoutineSpec::Check => Self::here(request.on_completion(checking, context), job),
            RoutineSpec::Nested(_) => Self::here(request.on_completion(nesting, context), job),
        }
    }

    fn here<K, B, R>(request: Request<'_, K, B, Armed<R>>, job: &Job)
    where
        K: Transfer<B, Irql: Levels>,
        B: Payload,
        R: Routine,
    {
        let send = |request| match job.how {
            How::AndWait(limit) => Self::and_wait(request, job, limit),
            How::Scoped(op) => Self::scoped(request, job, op),
            How::InSlot(_) | How::Boxed => unreachable!("the buffer is borrowed"),
        };
        if let Err(not_sent) = send(request)
            && job.spec.again
        {
            let _ = send(not_sent.request);
        }
    }

    fn and_wait<'d, K, B, R>(
        request: Request<'d, K, B, Armed<R>>,
        job: &Job,
        limit: Limit,
    ) -> Result<(), NotSent<Request<'d, K, B, Armed<R>>>>
    where
        K: Transfer<B, Irql: Levels>,
        B: Payload,
        R: Routine,
    {
        let expected = &job.expected;
        let mdl = job.mdl(Occupied::No);
        let result = {
            let _rescue = Rescue::of(expected, limit.elapses());
            let (_raised, at) = K::Irql::to_wait(job.spec.raised);
            request.send_and_wait(at, limit.timeout())
        };
        let (completed, success) = match result {
            Ok(completed) => (completed, true),
            Err(SendError::Failed(completed)) => (completed, false),
            Err(SendError::NotSent(not_sent)) => {
                job.check_attempt(Occupied::No, mdl, Some(not_sent.error));
                return Err(not_sent);
            }
        };
        job.check_attempt(Occupied::No, mdl, None);
        expected.check(NT_SUCCESS(completed.status()) == success, || {
            format!("success: {success}, {completed:?}")
        });
        expected.completed(completed, limit.elapses());
        Ok(())
    }

    fn scoped<'d, K, B, R>(
        request: Request<'d, K, B, Armed<R>>,
        job: &Job,
        op: ScopeOp,
    ) -> Result<(), NotSent<Request<'d, K, B, Armed<R>>>>
    where
        K: Transfer<B, Irql: Levels>,
        B: Payload,
        R: Routine,
    {
        let expected = &job.expected;
        let mdl = job.mdl(Occupied::No);
        let (_raised, at) = K::Irql::to_wait(job.spec.raised);
        // For what the end of the scope waits for.
        let mut rescue = None;
        let result = catch_unwind(AssertUnwindSafe(|| {
            request.send_scoped(at, |sent| {
                job.check_attempt(Occupied::No, mdl, None);
                check_sent(&sent, expected);
                let in_flight = match sent {
                    Sent::Completed(completed) => return expected.completed(completed, false),
                    Sent::InFlight(in_flight) => in_flight,
                };
                match op {
                    ScopeOp::Wait(limit) => handles::wait(in_flight, expected, limit),
                    ScopeOp::CancelAndWait(limit) => {
                        handles::cancel(&in_flight, expected);
                        handles::wait(in_flight, expected, limit);
                    }
                    ScopeOp::PollAndWait(polls, limit) => {
                        if let Some(in_flight) = polled(in_flight, expected, polls) {
                            handles::wait(in_flight, expected, limit);
                        }
                    }
                    ScopeOp::PollAndForget(polls) => {
                        if let Some(in_flight) = polled(in_flight, expected, polls) {
                            rescue = Rescue::of(expected, true);
                            std::mem::forget(in_flight);
                        }
                    }
                    ScopeOp::Drop => handles::discard(in_flight, expected),
                    ScopeOp::Forget => {
                        rescue = Rescue::of(expected, true);
                        std::mem::forget(in_flight);
                    }
                    ScopeOp::Panic(forgotten) => {
                        rescue = Rescue::of(expected, true);
                        let _alive = if forgotten {
                            std::mem::forget(in_flight);
                            None
                        } else {
                            Some(in_flight)
                        };
                        // Without the panic hook, which would print it.
                        resume_unwind(Box::new(Panicked));
                    }
                }
            })
        }));
        drop(rescue);
        match result {
            Ok(Ok(())) => Ok(()),
            Ok(Err(not_sent)) => {
                job.check_attempt(Occupied::No, mdl, Some(not_sent.error));
                Err(not_sent)
            }
            Err(panic) => {
                count(&expected.shared.coverage.scopes_panicked);
                expected.check(panic.is::<Panicked>(), || "another panic".to_owned());
                Ok(())
            }
        }
    }

    fn in_slot<'d, K, B, R>(
        &mut self,
        request: Request<'d, K, B, Armed<R>>,
        job: &Job,
        slot: &'static Slot<R, B>,
    ) -> Result<(), NotSent<Request<'d, K, B, Armed<R>>>>
    where
        K: Transfer<B, Irql: Levels>,
        B: Owned,
        R: Routine,
    {
        let key = std::ptr::from_ref(slot).addr();
        let occupied = match self.occupants.get(&key) {
            None => Occupied::No,
            Some(occupant) => {
                // In this order: it is done after it was moved.
                let moved = occupant.moved.load(SeqCst);
                if occupant.done.load(SeqCst) {
                    count(&self.shared.coverage.slots_reused);
                    Occupied::No
                } else if moved {
                    Occupied::Maybe
                } else {
                    Occupied::Yes
                }
            }
        };
        self.touched.push(slot);
        let mdl = job.mdl(occupied);
        let result = {
            let (_raised, at) = K::Irql::to_send(job.spec.raised);
            request.send_in(slot, at)
        };
        let sent = result.inspect_err(|not_sent| {
            job.check_attempt(occupied, mdl, Some(not_sent.error));
        })?;
        job.check_attempt(occupied, mdl, None);
        check_sent(&sent, &job.expected);
        self.occupants.insert(key, job.expected.clone());
        self.handles.extend(keep(sent, &job.expected));
        Ok(())
    }

    fn boxed<'d, K, B, R>(
        &mut self,
        request: Request<'d, K, B, Armed<R>>,
        job: &Job,
    ) -> Result<(), NotSent<Request<'d, K, B, Armed<R>>>>
    where
        K: Transfer<B, Irql: Levels>,
        B: Owned,
        R: Routine,
    {
        let mdl = job.mdl(Occupied::No);
        let result = {
            let (_raised, at) = K::Irql::to_send(job.spec.raised);
            request.send_boxed(at)
        };
        let sent = result.inspect_err(|not_sent| {
            job.check_attempt(Occupied::No, mdl, Some(not_sent.error));
        })?;
        job.check_attempt(Occupied::No, mdl, None);
        check_sent(&sent, &job.expected);
        self.handles.extend(keep(sent, &job.expected));
        Ok(())
    }

    /// Makes a request and drops it.
    fn drop_unsent(&mut self, stack: &Stack, spec: &RequestSpec, armed: bool) {
        let Some(irp) = self.allocate(stack.top.target(), spec.own_location) else {
            return;
        };
        let tally = self.shared.tally();
        let bytes = tally.buffer(vec![0; spec.output]);
        let request = irp.read(bytes, ByteOffset(0));
        if armed {
            let context = Context::new(tally, None);
            drop(request.on_completion(signal_if_pended, context));
        } else {
            drop(request);
        }
    }

    fn step(&mut self, step: &Step, stacks: &[Stack]) {
        let shared = self.shared.clone();
        let devices = stacks.len();
        match step {
            Step::AllocateAndDrop {
                device,
                own_location,
            } => {
                let target = stacks[device % devices].top.target();
                drop(self.allocate(target, *own_location));
            }
            Step::DropUnsent(spec, armed) => {
                self.drop_unsent(&stacks[spec.device % devices], spec, *armed);
            }
            Step::Send(spec, how) => self.send(&stacks[spec.device % devices], spec, *how),
            Step::Handle(index, op) => {
                if !self.handles.is_empty() {
                    let index = index % self.handles.len();
                    let handle = self.handles.swap_remove(index);
                    let left = apply(handle, *op, &mut self.threads);
                    self.handles.extend(left);
                }
            }
            Step::Trigger(device, elsewhere) => {
                let Stack { base, spec, .. } = &stacks[device % devices];
                let (base, default, errors) = (base.clone(), spec.answer, shared.errors.clone());
                let coverage = shared.coverage;
                let work = move || {
                    if trigger(&base, default, &errors, DISPATCH_LEVEL) {
                        count(&coverage.triggered);
                    }
                };
                if *elsewhere {
                    self.threads.push(shared.machine.spawn(work));
                } else {
                    work();
                }
            }
            Step::Fail(fault, skip) => shared.fail(*fault, *skip),
            Step::Delay(point, micros) => {
                let delay = Duration::from_micros(*micros);
                shared.machine.faults().delay(*point, delay);
            }
            Step::ClearFaults => shared.clear_faults(),
            Step::SendOnAnotherThread(spec, how, end) => {
                let device = stacks[spec.device % devices].spec;
                self.send_elsewhere(*spec, *how, *end, device);
            }
            Step::Join => self.join(),
        }
    }

    /// Sends a request on another thread, to a device of its own.
    fn send_elsewhere(&mut self, spec: RequestSpec, how: How, end: HandleOp, device: DeviceSpec) {
        let shared = self.shared.clone();
        shared.share_allocations();
        let stack = Stack::new(&shared.machine, device);
        self.threads.push(self.shared.machine.spawn(move || {
            count(&shared.coverage.on_other_threads);
            let mut sender = Self {
                shared,
                handles: Vec::new(),
                threads: Vec::new(),
                slots: None,
                occupants: HashMap::new(),
                touched: Vec::new(),
            };
            sender.send(&stack, &spec, how);
            sender.finish(end);
        }));
    }

    /// Ends the handles and the threads.
    fn finish(&mut self, end: HandleOp) {
        for handle in std::mem::take(&mut self.handles) {
            if let Some(handle) = apply(handle, end, &mut self.threads) {
                handle.discard();
            }
        }
        self.join();
    }

    fn join(&mut self) {
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                self.shared.errors.add("a thread panicked");
            }
        }
    }
}

/// What a scope panics with.
struct Panicked;

/// The buffer of a `METHOD_BUFFERED` request.
fn system_buffer<B: wdm_irp::IoBuffer>(
    method: Method,
    buffer: B,
    spec: &RequestSpec,
) -> SystemBuffer<B> {
    match method {
        Method::Input => SystemBuffer::input(buffer),
        Method::Output => SystemBuffer::output(buffer),
        _ => SystemBuffer::both(buffer, input_of_both(spec)),
    }
}

/// Polls a few times.
fn polled<S>(
    mut in_flight: wdm_irp::InFlight<S>,
    expected: &Expected,
    polls: u8,
) -> Option<wdm_irp::InFlight<S>>
where
    S: wdm_irp::Storage<Routine: Routine, Buffer: Payload>,
{
    for _ in 0..polls {
        in_flight = handles::poll(in_flight, expected)?;
        thread::yield_now();
    }
    Some(in_flight)
}

/// The machine of the program that runs, for a watchdog.
pub(crate) static CURRENT: Mutex<Option<Handle>> = Mutex::new(None);

/// Runs a program on a machine of its own. What was wrong, with the timeline.
pub(crate) fn run(program: &Program, fixed: Fixed) -> Result<(), String> {
    let machine = Machine::new();
    if !cfg!(miri) {
        // The watchdog knows better: it notices when the process is stopped for a while.
        machine.hang_limit(Duration::from_secs(3600));
    }
    *lock(&CURRENT) = Some(machine.handle());
    let own = own_device(&machine.device(Behavior::transfer()));
    let shared = Arc::new(Shared::new(
        machine.handle(),
        own,
        fixed.tallies,
        fixed.coverage,
        program
            .steps
            .iter()
            .any(|step| matches!(step, Step::Fail(..))),
    ));
    let stacks: Vec<Stack> = program
        .devices
        .iter()
        .map(|spec| Stack::new(&machine, *spec))
        .collect();
    let mut sender = Sender {
        shared: shared.clone(),
        handles: Vec::new(),
        threads: Vec::new(),
        slots: Some(fixed.slots),
        occupants: HashMap::new(),
        touched: Vec::new(),
    };
    for step in &program.steps {
        sender.step(step, &stacks);
    }
    sender.finish(program.end);
    machine.settle();
    let nested = fixed.slots.nested.iter().map(|slot| slot as &dyn Debug);
    for slot in sender.touched.drain(..).chain(nested) {
        // Its only public property.
        let text = format!("{slot:?}");
        shared.errors.check(text.contains("in_use: false"), || text);
    }
    drop(sender);
    shared.check_tallies();
    check_ledger(&machine, &shared);
    *lock(&CURRENT) = None;
    let mut errors = shared.errors.take();
    let report = machine.into_report();
    errors.extend(report.violations.iter().map(ToString::to_string));
    if errors.is_empty() {
        return Ok(());
    }
    Err(format!(
        "{}\n\ntimeline:\n{}",
        errors.join("\n"),
        report.timeline.to_text()
    ))
}

/// Nothing is left, and each wait was as it must be.
fn check_ledger(machine: &Machine, shared: &Shared) {
    let errors = &shared.errors;
    let live = (machine.live_irps(), machine.live_mdls());
    errors.check(live == (0, 0), || format!("IRPs and MDLs left: {live:?}"));
    for wait in machine.waits() {
        errors.check((wait.mode, wait.alertable) == (0, false), || {
            format!("{wait:?}")
        });
    }
}
