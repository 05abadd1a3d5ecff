//! Requests that another thread may cancel, also after their completion.

use wdm_irp::in_flight::Sent;
use wdm_irp_sim::{Machine, When};

use super::endings::{Ending, LATER, Lower, completed, explore_endings, lower};
use super::{at, explore, request};

const DRIVERS: [Lower; 5] = [
    lower("inline", When::inline()),
    lower("later", LATER),
    lower("cancelable", LATER.cancelable()),
    lower("until cancelled", When::cancelled()),
    lower("later, not marked", LATER.unmarked()),
];

/// Preemptions in models with a thread that cancels.
const BOUND: Option<usize> = Some(3);

#[test]
fn from_another_thread() {
    fn model(machine: &Machine, lower: Lower, ending: Ending) {
        let device = lower.device(machine);
        let (sent, canceller) = request(&device).send_cancellable(at()).unwrap();
        let other = machine.spawn(move || canceller.cancel());
        if let Some(outcome) = ending.end(sent) {
            lower.check(&completed(outcome));
        }
        other.join().unwrap();
    }
    explore_endings("canceller, ", &DRIVERS, BOUND, model);
}

/// The canceller is the last that leaves, or the first, without a word.
#[test]
fn dropped_by_another_thread() {
    fn model(machine: &Machine, lower: Lower, ending: Ending) {
        let device = lower.device(machine);
        let (sent, canceller) = request(&device).send_cancellable(at()).unwrap();
        let other = machine.spawn(move || drop(canceller));
        if let Some(outcome) = ending.end(sent) {
            lower.check(&completed(outcome));
        }
        other.join().unwrap();
    }
    explore_endings("dropped, ", &DRIVERS[..3], BOUND, model);
}

/// One canceller is used by another thread, one by the originator when the request is over.
#[test]
fn two_of_one_request() {
    for lower in &DRIVERS[1..3] {
        for ending in [Ending::Wait, Ending::Drop] {
            let name = format!("two, {}, {ending:?}", lower.name);
            explore(&name, BOUND, move |machine| {
                let device = lower.device(machine);
                let (sent, first) = request(&device).send_cancellable(at()).unwrap();
                let other = machine.spawn(move || first.cancel());
                let Sent::InFlight(in_flight) = sent else {
                    unreachable!("it pends, and is marked")
                };
                let second = in_flight.canceller();
                if let Some(outcome) = ending.end_in_flight(in_flight) {
                    lower.check(&completed(outcome));
                }
                second.cancel();
                drop(second);
                other.join().unwrap();
            });
        }
    }
}

/// After everything else.
#[test]
fn late() {
    fn model(machine: &Machine, lower: Lower, ending: Ending) {
        let device = lower.device(machine);
        let (sent, canceller) = request(&device).send_cancellable(at()).unwrap();
        if let Some(outcome) = ending.end(sent) {
            lower.check(&completed(outcome));
        }
        canceller.cancel();
        drop(canceller);
    }
    explore_endings("late, ", &DRIVERS, None, model);
}

#[test]
fn in_a_scope() {
    fn model(machine: &Machine, lower: Lower, ending: Ending) {
        let device = lower.device(machine);
        let scope = request(&device).send_scoped_cancellable(at(), |sent, canceller| {
            if let Some(outcome) = ending.end(sent) {
                lower.check(&completed(outcome));
            }
            canceller.cancel();
        });
        assert!(scope.is_ok());
    }
    explore_endings("scope, ", &DRIVERS, None, model);
}
