//! What several of the programs share.

use std::sync::{Arc, Mutex};

use wdm_irp::in_flight::{Sent, Storage};
use wdm_irp::request::{Read, Request};
use wdm_irp::routine::CompletionRoutine;
use wdm_irp::sys::{STATUS_CANCELLED, STATUS_PENDING, STATUS_SUCCESS, STATUS_UNSUCCESSFUL};
use wdm_irp::{Completing, Signaled, completion_routine};
use wdm_irp_sim::{Device, When};
use wdm_irp_tests::{BoxedSlot, Completed, SOON, Slot, Target, ZERO, count, passive, read};

/// How often a race is run: Miri takes its time.
pub(super) const ROUNDS: usize = if cfg!(miri) { 2 } else { 20 };

pub(super) type Bytes = [u8; 8];

pub(super) type Reading<R> = Request<Target, Read, [u8; 8], R>;

/// Lists every way to complete a request: the legal ones, then breaches of the pending contract.
pub(super) fn every_journey() -> Vec<When> {
    vec![
        When::inline(),
        When::inline_marked(),
        When::after(SOON),
        When::after(SOON).cancelable(),
        When::before_return(),
        When::cancelled(),
        When::after(SOON).unmarked(),
        When::after(SOON).cancelable().unmarked(),
        When::before_return().unmarked(),
        When::cancelled().unmarked(),
        When::inline().returning(STATUS_PENDING),
        When::inline_marked().returning(STATUS_SUCCESS),
        When::inline_marked().returning(STATUS_UNSUCCESSFUL),
        When::after(SOON).returning(STATUS_SUCCESS),
        When::after(SOON).unmarked().returning(STATUS_UNSUCCESSFUL),
        When::before_return().returning(STATUS_UNSUCCESSFUL),
        When::before_return().unmarked().returning(STATUS_SUCCESS),
        When::cancelled().returning(STATUS_SUCCESS),
        When::cancelled().unmarked().returning(STATUS_SUCCESS),
    ]
}

/// Lists ways to complete a request, for tests that take each of them often: Miri takes some.
pub(super) fn journeys() -> impl Iterator<Item = When> {
    every_journey()
        .into_iter()
        .step_by(if cfg!(miri) { 7 } else { 1 })
}

pub(super) type Boxed<R> = BoxedSlot<R, [u8; 8]>;
pub(super) type Ending = fn(Sent<Boxed<count>>);

pub(super) fn check(completed: &Completed<count, [u8; 8]>) {
    assert_eq!(completed.context().get(), 1, "{completed:?}");
    assert!(
        [STATUS_SUCCESS, STATUS_CANCELLED].contains(&completed.status()),
        "{completed:?}"
    );
}

#[completion_routine]
pub(super) fn shared(irp: Completing<'_, Arc<()>>) -> Signaled<'_> {
    irp.signal_if_pended()
}

pub(super) fn read_arc(disk: &Device, context: &Arc<()>) -> Reading<shared> {
    read(disk.target(), [0; 8], 0, shared, context.clone())
}

/// What becomes of a handle, whatever memory its request is in.
pub(super) type EndOfRequest = Box<dyn FnOnce() + Send>;

/// A context with the handle of its own request.
#[derive(Default)]
pub(super) struct Own {
    pub(super) handle: Mutex<Option<EndOfRequest>>,
    pub(super) alive: Arc<()>,
}

impl Own {
    pub(super) fn end(&self) {
        let ending = self.handle.lock().expect("no panic").take();
        ending.expect("put there after the sending")();
    }
}

/// The ways to abandon a request.
pub(super) fn ending<S: Storage + Send + 'static>(sent: Sent<S>, how: usize) -> EndOfRequest {
    let handle = match sent {
        Sent::Completed(outcome) => {
            drop(outcome);
            return Box::new(|| ());
        }
        Sent::InFlight(handle) => handle,
    };
    match how {
        0 => Box::new(|| handle.abandon()),
        1 => Box::new(|| drop(handle.try_complete())),
        2 => Box::new(|| {
            handle.cancel();
            drop(handle);
        }),
        _ => Box::new(|| drop(handle.wait_for(passive(), ZERO))),
    }
}

pub(super) type Sends<R> = [fn(Reading<R>, &'static Slot<R, Bytes>, usize) -> EndOfRequest; 4];

pub(super) fn sends<R: CompletionRoutine>() -> Sends<R> {
    [
        |request, _, how| ending(request.send_boxed(passive()).expect("memory"), how),
        |request, slot, how| ending(request.send_in(slot, passive()).expect("free"), how),
        |request, _, how| {
            let (sent, canceller) = request.send_cancellable(passive()).expect("memory");
            let end = ending(sent, how);
            Box::new(move || {
                end();
                canceller.cancel();
            })
        },
        |request, _, how| {
            let (sent, canceller) = request.send_cancellable(passive()).expect("memory");
            drop(canceller);
            ending(sent, how)
        },
    ]
}
