//! Handles of requests in flight, whatever their type.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use wdm_irp::in_flight::{InFlight, Sent, Storage};
use wdm_irp::sys::DISPATCH_LEVEL;
use wdm_irp_sim::{Device, irql};

use crate::answers::answer;
use crate::idle::TakeBack;
use crate::oracle::{Expected, apc};
use crate::program::{Answer, Completer, HandleOp, Limit};
use crate::shared::{Errors, count};
use crate::slots::{Payload, Routine};

/// Completes the IRP that a device holds back longest, if there is one.
pub(crate) fn trigger(device: &Device, default: Answer, errors: &Errors, level: u8) -> bool {
    let Some(irp) = device.take_next() else {
        return false;
    };
    let (status, information) = answer(&irp, default, errors);
    let _raised = irql::raise(level);
    irp.complete(status, information);
    true
}

/// A thread that completes what a device holds back, for a wait that would last forever.
pub(crate) struct Rescue {
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Rescue {
    /// Starts it if the request needs it.
    ///
    /// It does if nobody else completes the request, nor does a cancellation, if there will be one.
    pub(crate) fn of(expected: &Expected, will_be_cancelled: bool) -> Option<Self> {
        let lower = expected.lower;
        if lower.completer != Completer::Triggered || (lower.cancelable && will_be_cancelled) {
            return None;
        }
        let over = Arc::new(AtomicBool::new(false));
        let thread = {
            let over = over.clone();
            let errors = expected.shared.errors.clone();
            let (device, default) = (expected.device.clone(), expected.device_answer);
            expected.shared.machine.spawn(move || {
                while !over.load(SeqCst) {
                    if !trigger(&device, default, &errors, lower.irql) {
                        thread::sleep(Duration::from_micros(5));
                    }
                }
            })
        };
        Some(Self {
            over,
            thread: Some(thread),
        })
    }
}

impl Drop for Rescue {
    fn drop(&mut self) {
        self.over.store(true, SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("does not panic");
        }
    }
}

/// Where the requests are whose handles a program has.
pub(crate) trait Flight:
    Storage<Routine: Routine, Buffer: Payload, Irp: TakeBack<<Self as Storage>::Target>>
{
}

impl<S> Flight for S where S: Storage<Routine: Routine, Buffer: Payload, Irp: TakeBack<S::Target>> {}

/// A request in flight.
pub(crate) trait Held: Send + Sync {
    fn expected(&self) -> &Arc<Expected>;
    fn cancel(&self);
    fn poll(self: Box<Self>) -> Option<Box<dyn Held>>;
    fn wait(self: Box<Self>, limit: Limit);
    fn wait_for(self: Box<Self>, limit: Limit) -> Option<Box<dyn Held>>;
    fn discard(self: Box<Self>, aloud: bool);
}

struct Holding<S: Storage> {
    in_flight: InFlight<S>,
    expected: Arc<Expected>,
}

/// Cancels a request, and notes it before.
pub(crate) fn cancel<S: Storage>(in_flight: &InFlight<S>, expected: &Expected) {
    expected.cancelled.store(true, SeqCst);
    in_flight.cancel();
}

/// Waits for a request, and checks what comes back.
pub(crate) fn wait<S: Flight>(in_flight: InFlight<S>, expected: &Expected, limit: Limit) {
    let cancelled = limit.elapses() || expected.cancelled.load(SeqCst);
    let rescue = Rescue::of(expected, cancelled);
    let outcome = in_flight.wait(apc(), limit.timeout());
    drop(rescue);
    expected.completed(outcome, limit.elapses());
}

/// Waits for a request that may be given back, and checks what comes of it.
pub(crate) fn wait_for<S: Flight>(
    in_flight: InFlight<S>,
    expected: &Expected,
    limit: Limit,
) -> Option<InFlight<S>> {
    let outcome = {
        let _rescue = (!limit.elapses())
            .then(|| Rescue::of(expected, expected.cancelled.load(SeqCst)))
            .flatten();
        in_flight.wait_for(apc(), limit.timeout())
    };
    match outcome {
        Ok(outcome) => {
            expected.completed(outcome, false);
            None
        }
        Err(in_flight) => {
            count(&expected.shared.coverage.waited_in_vain);
            expected.check(limit.elapses(), || "waited in vain".to_owned());
            Some(in_flight)
        }
    }
}

/// Abandons the request. From now on nobody knows when its slot is free.
pub(crate) fn discard<S: Storage>(in_flight: InFlight<S>, expected: &Expected, aloud: bool) {
    count(&expected.shared.coverage.abandoned);
    expected.cancelled.store(true, SeqCst);
    expected.moved.store(true, SeqCst);
    if aloud {
        in_flight.abandon();
    } else {
        drop(in_flight);
    }
}

/// Polls a request, and checks what comes back if it is complete.
pub(crate) fn poll<S: Flight>(in_flight: InFlight<S>, expected: &Expected) -> Option<InFlight<S>> {
    match in_flight.try_complete() {
        Ok(outcome) => {
            expected.completed(outcome, false);
            None
        }
        Err(in_flight) => {
            count(&expected.shared.coverage.polls_early);
            Some(in_flight)
        }
    }
}

impl<S: Flight + Send + Sync + 'static> Held for Holding<S> {
    fn expected(&self) -> &Arc<Expected> {
        &self.expected
    }

    fn cancel(&self) {
        cancel(&self.in_flight, &self.expected);
    }

    fn poll(self: Box<Self>) -> Option<Box<dyn Held>> {
        let in_flight = poll(self.in_flight, &self.expected)?;
        Some(Box::new(Self {
            in_flight,
            expected: self.expected,
        }))
    }

    fn wait(self: Box<Self>, limit: Limit) {
        wait(self.in_flight, &self.expected, limit);
    }

    fn wait_for(self: Box<Self>, limit: Limit) -> Option<Box<dyn Held>> {
        let in_flight = wait_for(self.in_flight, &self.expected, limit)?;
        Some(Box::new(Self {
            in_flight,
            expected: self.expected,
        }))
    }

    fn discard(self: Box<Self>, aloud: bool) {
        discard(self.in_flight, &self.expected, aloud);
    }
}

/// Checks whether the target could complete the request as it did.
pub(crate) fn check_sent<S: Storage>(sent: &Sent<S>, expected: &Expected) {
    let coverage = expected.shared.coverage;
    let lower = expected.lower;
    let (counter, possible) = match sent {
        // Only an IRP that nobody has marked pending ends without a signal.
        Sent::Completed(_) => (&coverage.completed_inline, !lower.marked),
        // `BeforeReturn` is not so sure: somebody else may have taken the IRP from the thread that
        // was to complete it.
        Sent::InFlight(_) => (
            &coverage.in_flight,
            lower.marked || lower.completer != Completer::Inline,
        ),
    };
    count(counter);
    expected.check(possible, || format!("{sent:?}"));
}

/// Takes what a send has returned, and keeps the handle if there is one.
pub(crate) fn keep<S>(sent: Sent<S>, expected: &Arc<Expected>) -> Option<Box<dyn Held>>
where
    S: Flight + Send + Sync + 'static,
{
    match sent {
        Sent::Completed(outcome) => {
            expected.completed(outcome, false);
            None
        }
        Sent::InFlight(in_flight) => Some(Box::new(Holding {
            in_flight,
            expected: expected.clone(),
        })),
    }
}

/// Does something with a handle, and gives it back if it is still there.
pub(crate) fn apply(
    handle: Box<dyn Held>,
    op: HandleOp,
    threads: &mut Vec<JoinHandle<()>>,
) -> Option<Box<dyn Held>> {
    let expected = handle.expected().clone();
    let shared = &expected.shared;
    let mut elsewhere = |work: Box<dyn FnOnce() + Send>| {
        count(&shared.coverage.on_other_threads);
        expected.moved.store(true, SeqCst);
        threads.push(shared.machine.spawn(work));
        None
    };
    match op {
        HandleOp::Cancel => {
            handle.cancel();
            Some(handle)
        }
        HandleOp::CancelOnAnotherThread => {
            thread::scope(|scope| {
                let handle = &handle;
                scope.spawn(move || {
                    let _entered = handle.expected().shared.machine.enter();
                    handle.cancel();
                });
                handle.cancel();
            });
            Some(handle)
        }
        HandleOp::Poll => handle.poll(),
        HandleOp::PollRaised => {
            // What a nested request of the routine needs, to be waited for, is a lower IRQL.
            if expected.has_nested() {
                return handle.poll();
            }
            let _raised = irql::raise(DISPATCH_LEVEL);
            handle.poll()
        }
        HandleOp::Wait(limit) => {
            handle.wait(limit);
            None
        }
        HandleOp::WaitFor(limit) => handle.wait_for(limit),
        HandleOp::Drop => {
            handle.discard(false);
            None
        }
        HandleOp::Abandon => {
            handle.discard(true);
            None
        }
        HandleOp::WaitOnAnotherThread(limit) => elsewhere(Box::new(move || handle.wait(limit))),
        HandleOp::DropOnAnotherThread => elsewhere(Box::new(move || handle.discard(false))),
        HandleOp::CancelAndWaitOnAnotherThread(limit) => elsewhere(Box::new(move || {
            handle.cancel();
            handle.wait(limit);
        })),
    }
}
