//! The four ways to send a request, each checked.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::Ordering::SeqCst;
use std::thread;

use wdm_irp::error::{NotSent, SendError};
use wdm_irp::in_flight::{Sent, Slot};
use wdm_irp::irql::UpToDispatch;
use wdm_irp::request::{Request, Transfer};
use wdm_irp::target::Target;

use super::job::{Job, Occupied};
use super::levels::Levels;
use super::sender::Sender;
use crate::handles::{self, Rescue, check_sent, keep};
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
        T: Target<Irql = UpToDispatch>,
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
        let outcome = match result {
            Ok(completed) => Ok(completed),
            Err(SendError::Failed(failed)) => Err(failed),
            Err(SendError::NotSent(not_sent)) => {
                job.check_attempt(Occupied::No, mdl, Some(not_sent.error));
                return Err(not_sent);
            }
        };
        job.check_attempt(Occupied::No, mdl, None);
        expected.completed(outcome, limit.elapses());
        Ok(())
    }

    pub(super) fn scoped<T, K, B, R>(
        request: Request<T, K, B, R>,
        job: &Job,
        op: ScopeOp,
    ) -> Result<(), NotSent<Request<T, K, B, R>>>
    where
        T: Target<Irql = UpToDispatch>,
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
                            rescue = Rescue::of(expected, true);
                            std::mem::forget(in_flight);
                        }
                    }
                    ScopeOp::Drop => {
                        rescue = Rescue::of(expected, true);
                        handles::discard(in_flight, expected);
                    }
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
}

/// What a scope panics with.
struct Panicked;

/// Polls a few times.
fn polled<S>(
    mut in_flight: wdm_irp::in_flight::InFlight<S>,
    expected: &Expected,
    polls: u8,
) -> Option<wdm_irp::in_flight::InFlight<S>>
where
    S: wdm_irp::in_flight::Storage<Routine: Routine, Buffer: Payload>,
{
    for _ in 0..polls {
        in_flight = handles::poll(in_flight, expected)?;
        thread::yield_now();
    }
    Some(in_flight)
}
