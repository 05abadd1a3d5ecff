//! Requests that nobody may wait for: the last of handle and routine drops the contents, and frees
//! the memory if it was allocated.

use std::sync::Arc;

use wdm_irp::in_flight::{Sent, Storage};
use wdm_irp::sys::STATUS_PENDING;
use wdm_irp_sim::{Machine, When};

use super::endings::{
    Ending, FINAL_STATUS, LATER, Lower, MARKED_FINAL_STATUS, completed, explore_endings, lower,
    round,
};
use super::{PREEMPTIONS, assert_free, at, explore, memory, request};

const DRIVERS: [Lower; 11] = [
    lower("inline", When::inline()),
    lower("inline, marked", When::inline_marked()),
    lower(
        "inline, not marked",
        When::inline().returning(STATUS_PENDING),
    ),
    lower("later", LATER),
    lower("before the return", When::before_return()),
    lower("cancelable", LATER.cancelable()),
    lower("until cancelled", When::cancelled()),
    lower("later, not marked", LATER.unmarked()),
    lower("cancelable, not marked", LATER.unmarked().cancelable()),
    MARKED_FINAL_STATUS,
    FINAL_STATUS,
];

#[test]
fn in_a_box() {
    fn model(machine: &Machine, lower: Lower, ending: Ending) {
        let device = lower.device(machine);
        if let Some(outcome) = ending.end(request(&device).send_boxed(at()).unwrap()) {
            lower.check(&completed(outcome));
        }
    }
    explore_endings("box, ", &DRIVERS, None, model);
}

#[test]
fn in_a_scope() {
    fn model(machine: &Machine, lower: Lower, ending: Ending) {
        let device = lower.device(machine);
        let scope = request(&device).send_scoped(at(), |sent| {
            if let Some(outcome) = ending.end(sent) {
                lower.check(&completed(outcome));
            }
        });
        assert!(scope.is_ok());
    }
    explore_endings("scope, ", &DRIVERS, None, model);
}

/// The routine of the first request may be on its way out when the second is abandoned.
#[test]
fn static_slot_is_used_again_and_abandoned() {
    let unmarked = lower("later, not marked", LATER.unmarked());
    for (first, second) in [
        (lower("later", LATER), lower("later", LATER)),
        (
            lower("later", LATER),
            lower("cancelable", LATER.cancelable()),
        ),
        (unmarked, lower("later", LATER)),
        (lower("later", LATER), unmarked),
        (lower("later", LATER), lower("inline", When::inline())),
    ] {
        let name = format!("{}, then {}", first.name, second.name);
        explore(&name, Some(PREEMPTIONS), move |machine| {
            let slot = memory();
            round(first, &first.device(machine), slot, Ending::Wait);
            round(second, &second.device(machine), slot, Ending::Drop);
            machine.join_drivers();
            assert_free(slot);
        });
    }
}

/// Whoever comes last frees the slot, and another request may be in it at once.
#[test]
fn static_slot_is_freed_by_its_routine_and_used_again() {
    let later = lower("later", LATER);
    for first in [
        later,
        lower("cancelable", LATER.cancelable()),
        lower("later, not marked", LATER.unmarked()),
    ] {
        for ending in [Ending::Wait, Ending::Drop] {
            let name = format!("{}, then {ending:?}", first.name);
            explore(&name, Some(PREEMPTIONS), move |machine| {
                let slot = memory();
                round(first, &first.device(machine), slot, Ending::Drop);
                // Unless the first request is still in the slot.
                if let Ok(sent) = request(&later.device(machine)).send_in(slot, at())
                    && let Some(outcome) = ending.end(sent)
                {
                    later.check(&completed(outcome));
                }
                machine.join_drivers();
                assert_free(slot);
            });
        }
    }
}

/// One thread cancels, another drops; which of them is the last that has the handle, nobody knows.
#[test]
fn handle_is_shared_by_canceller_and_dropper() {
    for lower in [
        lower("later", LATER),
        lower("cancelable", LATER.cancelable()),
        lower("later, not marked", LATER.unmarked()),
    ] {
        for boxed in [false, true] {
            let name = format!("{}, box {boxed}", lower.name);
            explore(&name, Some(PREEMPTIONS), move |machine| {
                let device = lower.device(machine);
                if boxed {
                    share(machine, request(&device).send_boxed(at()).unwrap());
                } else {
                    let slot = memory();
                    share(machine, request(&device).send_in(slot, at()).unwrap());
                    machine.join_drivers();
                    assert_free(slot);
                }
            });
        }
    }
}

fn share<S: Storage + Send + Sync + 'static>(machine: &Machine, sent: Sent<S>) {
    let Sent::InFlight(in_flight) = sent else {
        return;
    };
    let in_flight = Arc::new(in_flight);
    let other = machine.spawn({
        let in_flight = Arc::clone(&in_flight);
        move || in_flight.cancel()
    });
    drop(in_flight);
    other.join().unwrap();
}

/// The IRP of a completed request is used again while the routine may be on its way out.
#[test]
fn irp_is_used_again() {
    for lower in [
        lower("inline", When::inline()),
        lower("later", LATER),
        lower("later, not marked", LATER.unmarked()),
    ] {
        for (name, ending) in [("waited for", Ending::Wait), ("abandoned", Ending::Drop)] {
            explore(
                &format!("{}, {name}", lower.name),
                Some(3),
                move |machine| {
                    let device = lower.device(machine);
                    let sent = request(&device).send_boxed(at()).unwrap();
                    let first = completed(Ending::Wait.end(sent).unwrap());
                    lower.check(&first);
                    let (irp, (), note) = first.reuse();
                    drop(note);
                    let again = irp.flush().on_completion(super::done, super::Note::new());
                    if let Some(outcome) = ending.end(again.send_boxed(at()).unwrap()) {
                        lower.check(&completed(outcome));
                    }
                },
            );
        }
    }
}
