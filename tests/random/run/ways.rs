//! The ways to send a request, each checked.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::Ordering::SeqCst;
use std::thread;

use wdm_irp::error::{NotSent, SendError};
use wdm_irp::in_flight::{InFlight, Sent, Slot};
use wdm_irp::irql::UpToDispatch;
use wdm_irp::request::{Request, Transfer};
use wdm_irp::target::Target;

use super::job::{Attempt, Job, Memory, Occupied};
use super::levels::Levels;
use super::sender::Sender;
use crate::handles::{self, Flight, Rescue, check_sent, keep};
use crate::idle::Kept;
use crate::oracle::Expected;
use crate::program::{Limit, ScopeOp};
use crate::shared::count;
use crate::slots::{Owned, Payload, Reached, Routine};

impl Sender {
    pub(super) fn and_wait<T, K, B, R>(
        request: Request<T, K, B, R>,
        job: &Job,
        limit: Limit,
    ) -> Result<(), NotSent<Request<T, K, B, R>>>
    where
        T: Target<Irql = UpToDispatch> + Kept,
        K: Transfer<B, Irql: Levels>,
        B: Payload,
        R: Routine,
    {
        let expected = &job.expected;
        let attempt = job.attempt(Memory::Stack);
        let result = {
            let _rescue = Rescue::of(expected, limit.elapses());
            let (_raised, at) = K::Irql::to_wait(job.spec.raised);
            request.send_and_wait(at, limit.timeout())
        };
        let outcome = match result {
            Ok(completed) => Ok(completed),
            Err(SendError::Failed(failed)) => Err(failed),
            Err(SendError::NotSent(not_sent)) => {
                attempt.failed(not_sent.error);
                return Err(not_sent);
            }
        };
        attempt.succeeded();
        expected.completed(outcome, limit.elapses());
        Ok(())
    }

    pub(super) fn scoped<T, K, B, R>(
        request: Request<T, K, B, R>,
        job: &Job,
        op: ScopeOp,
    ) -> Result<(), NotSent<Request<T, K, B, R>>>
    where
        T: Target<Irql = UpToDispatch> + Kept,
        K: Transfer<B, Irql: Levels>,
        B: Payload,
        R: Routine,
    {
        let attempt = job.attempt(Memory::Stack);
        let (_raised, at) = K::Irql::to_wait(job.spec.raised);
        // For what the end of the scope waits for.
        let mut rescue = None;
        let result = catch_unwind(AssertUnwindSafe(|| {
            request.send_scoped(at, |sent| {
                attempt.succeeded();
                within(sent, &job.expected, op, &mut rescue);
            })
        }));
        drop(rescue);
        end_of_scope(&attempt, &job.expected, result)
    }

    /// `meanwhile`: another thread cancels it while this one does what it does; else this one does
    /// when that is over.
    pub(super) fn scoped_cancellable<T, K, B, R>(
        request: Request<T, K, B, R>,
        job: &Job,
        op: ScopeOp,
        meanwhile: bool,
    ) -> Result<(), NotSent<Request<T, K, B, R>>>
    where
        T: Target<Irql = UpToDispatch> + Kept,
        K: Transfer<B, Irql: Levels>,
        B: Payload,
        R: Routine,
    {
        let expected = &job.expected;
        let attempt = job.attempt(Memory::Stack);
        let (_raised, at) = K::Irql::to_wait(job.spec.raised);
        // For what the end of the scope waits for.
        let mut rescue = None;
        let result = catch_unwind(AssertUnwindSafe(|| {
            request.send_scoped_cancellable(at, |sent, canceller| {
                attempt.succeeded();
                count(&expected.shared.coverage.cancellers_used);
                let cancel = || {
                    expected.cancelled.store(true, SeqCst);
                    canceller.cancel();
                };
                thread::scope(|threads| {
                    if meanwhile {
                        threads.spawn(|| {
                            let _entered = expected.shared.machine.enter();
                            cancel();
                        });
                    }
                    within(sent, expected, op, &mut rescue);
                });
                if !meanwhile {
                    cancel();
                }
            })
        }));
        drop(rescue);
        end_of_scope(&attempt, expected, result)
    }

    pub(super) fn in_slot<T, K, B, R>(
        &mut self,
        request: Request<T, K, B, R>,
        job: &Job,
        slot: &'static Slot<R, B, T>,
    ) -> Result<(), NotSent<Request<T, K, B, R>>>
    where
        T: Reached,
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
        let attempt = job.attempt(Memory::Static(occupied));
        let result = {
            let (_raised, at) = K::Irql::to_send(job.spec.raised);
            request.send_in(slot, at)
        };
        let sent = result.inspect_err(|not_sent| {
            attempt.failed(not_sent.error);
        })?;
        attempt.succeeded();
        check_sent(&sent, &job.expected);
        self.occupants.insert(key, job.expected.clone());
        self.handles.extend(keep(sent, &job.expected));
        Ok(())
    }

    pub(super) fn boxed<T, K, B, R>(
        &mut self,
        request: Request<T, K, B, R>,
        job: &Job,
    ) -> Result<(), NotSent<Request<T, K, B, R>>>
    where
        T: Reached,
        K: Transfer<B, Irql: Levels>,
        B: Owned,
        R: Routine,
    {
        let attempt = job.attempt(Memory::Pool);
        let result = {
            let (_raised, at) = K::Irql::to_send(job.spec.raised);
            request.send_boxed(at)
        };
        let sent = result.inspect_err(|not_sent| attempt.failed(not_sent.error))?;
        attempt.succeeded();
        check_sent(&sent, &job.expected);
        self.handles.extend(keep(sent, &job.expected));
        Ok(())
    }

    pub(super) fn cancellable<T, K, B, R>(
        &mut self,
        request: Request<T, K, B, R>,
        job: &Job,
    ) -> Result<(), NotSent<Request<T, K, B, R>>>
    where
        T: Reached,
        K: Transfer<B, Irql: Levels>,
        B: Owned,
        R: Routine,
    {
        let attempt = job.attempt(Memory::Pool);
        let result = {
            let (_raised, at) = K::Irql::to_send(job.spec.raised);
            request.send_cancellable(at)
        };
        let (sent, canceller) = result.inspect_err(|not_sent| attempt.failed(not_sent.error))?;
        attempt.succeeded();
        check_sent(&sent, &job.expected);
        self.cancellers.push((canceller, job.expected.clone()));
        if let Sent::InFlight(in_flight) = &sent {
            let another = in_flight.canceller();
            self.cancellers.push((another, job.expected.clone()));
        }
        self.handles.extend(keep(sent, &job.expected));
        Ok(())
    }
}

/// Does something with a request within its scope.
fn within<S: Flight>(sent: Sent<S>, expected: &Expected, op: ScopeOp, rescue: &mut Option<Rescue>) {
    check_sent(&sent, expected);
    let in_flight = match sent {
        Sent::Completed(outcome) => return expected.completed(outcome, false),
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
                *rescue = Rescue::of(expected, true);
                std::mem::forget(in_flight);
            }
        }
        ScopeOp::WaitForAndWait(first, then) => {
            if let Some(in_flight) = handles::wait_for(in_flight, expected, first) {
                handles::wait(in_flight, expected, then);
            }
        }
        ScopeOp::Drop => {
            *rescue = Rescue::of(expected, true);
            handles::discard(in_flight, expected, false);
        }
        ScopeOp::Forget => {
            *rescue = Rescue::of(expected, true);
            std::mem::forget(in_flight);
        }
        ScopeOp::Panic(forgotten) => {
            *rescue = Rescue::of(expected, true);
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
}

/// Checks how a scope has ended.
fn end_of_scope<Q>(
    attempt: &Attempt<'_>,
    expected: &Expected,
    result: thread::Result<Result<(), NotSent<Q>>>,
) -> Result<(), NotSent<Q>> {
    match result {
        Ok(Ok(())) => Ok(()),
        Ok(Err(not_sent)) => {
            attempt.failed(not_sent.error);
            Err(not_sent)
        }
        Err(panic) => {
            count(&expected.shared.coverage.scopes_panicked);
            expected.check(panic.is::<Panicked>(), || "another panic".to_owned());
            Ok(())
        }
    }
}

/// What a scope panics with.
struct Panicked;

/// Polls a few times.
fn polled<S: Flight>(
    mut in_flight: InFlight<S>,
    expected: &Expected,
    polls: u8,
) -> Option<InFlight<S>> {
    for _ in 0..polls {
        in_flight = handles::poll(in_flight, expected)?;
        thread::yield_now();
    }
    Some(in_flight)
}
