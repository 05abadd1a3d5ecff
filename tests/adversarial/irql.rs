//! Programs that raise the IRQL, or prove one.

use std::thread;

use wdm_irp::in_flight::Sent;
use wdm_irp::irql::{ApcLevel, DispatchLevel};
use wdm_irp::sys::{APC_LEVEL, DISPATCH_LEVEL, STATUS_CANCELLED, STATUS_SUCCESS};
use wdm_irp::{Completing, PassiveLevel, Signaled, Timeout, completion_routine};
use wdm_irp_sim::{Behavior, Machine, ViolationKind, When, irql};
use wdm_irp_tests::{
    AnyOutcome, Count, LONG, SOON, Slot, Target, ZERO, count, disk, done, passive, read,
};

use super::common::check;

/// A scope ends at an IRQL at which no thread may wait.
///
/// Its request is on the stack, so it must be waited for all the same, even if the machine reports
/// that.
#[test]
fn scope_ends_at_a_raised_irql_with_its_request_in_flight() {
    let machine = Machine::new();
    let at = passive();
    for forget in [true, false] {
        let disk = disk(&machine, When::after(SOON));
        let mut buffer = [0; 8];
        let mut raised = None;
        read(disk.target(), &mut buffer, 1, count, Count::default())
            .send_scoped(&at, |sent| {
                raised = Some(irql::raise(DISPATCH_LEVEL));
                if forget {
                    std::mem::forget(sent);
                } else {
                    drop(sent);
                }
            })
            .expect("sent");
        drop(raised);
        assert_eq!(buffer, [1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(machine.live_irps(), 0);
    }
    let violations = machine.take_violations();
    assert!(
        violations
            .iter()
            .all(|violation| violation.kind == ViolationKind::WaitAtBadIrql),
        "{violations:?}"
    );
}

#[test]
fn originator_at_dispatch_level_gets_no_proof_and_polls_to_the_end() {
    static SLOT: Slot<count, [u8; 8]> = Slot::new();

    let machine = Machine::new();
    for when in [
        When::inline(),
        When::before_return(),
        When::after(SOON),
        When::after(SOON).unmarked(),
        When::cancelled(),
    ] {
        let disk = disk(&machine, when);
        let _raised = irql::raise(DISPATCH_LEVEL);
        assert_eq!(
            PassiveLevel::check().err().map(|high| high.current),
            Some(2)
        );
        assert_eq!(ApcLevel::check().err().map(|high| high.highest), Some(1));
        let at = DispatchLevel::check().expect("DISPATCH_LEVEL");
        let request = read(disk.target(), [0; 8], 0, count, Count::default());
        match request.send_in(&SLOT, &at).expect("free") {
            Sent::Completed(outcome) => check(&outcome.completed()),
            Sent::InFlight(mut in_flight) => loop {
                in_flight.cancel();
                match in_flight.try_complete() {
                    Ok(outcome) => break check(&outcome.completed()),
                    Err(back) => in_flight = back,
                }
                thread::yield_now();
            },
        }
    }
    assert!(machine.waits().iter().all(|wait| wait.timeout == Some(0)));
}

/// Scopes and waits work at `APC_LEVEL`, with proofs of that only.
#[test]
fn originator_at_apc_level_waits_in_nested_scopes() {
    let machine = Machine::new();
    let (fast, slow) = (
        disk(&machine, When::inline()),
        disk(&machine, When::cancelled()),
    );
    let _raised = irql::raise(APC_LEVEL);
    assert!(PassiveLevel::check().is_err());
    let at = ApcLevel::check().expect("APC_LEVEL");
    let status = read(slow.target(), [0; 8], 0, count, Count::default())
        .send_scoped(&at, |outer| {
            let inner = read(fast.target(), [0; 8], 0, count, Count::default());
            check(&inner.send_and_wait(&at, ZERO).expect("read"));
            outer
                .wait(&at, Timeout::milliseconds(1))
                .completed()
                .status()
        })
        .expect("sent");
    assert_eq!((status, irql::current()), (STATUS_CANCELLED, APC_LEVEL));
}

/// A routine that runs at `PASSIVE_LEVEL` may prove that, and wait for another request.
#[test]
fn routine_at_passive_level_waits_for_another_request() {
    #[completion_routine]
    fn waits(mut irp: Completing<'_, (Target, Option<i32>)>) -> Signaled<'_> {
        let (disk, status) = irp.context_mut();
        if let Ok(at) = PassiveLevel::check() {
            let request = read(disk, [0; 8], 0, done, ());
            *status = request
                .send_and_wait(&at, LONG)
                .ok()
                .map(|completed| completed.status());
        }
        irp.signal_if_pended()
    }

    let machine = Machine::new();
    let inner = disk(&machine, When::after(SOON));
    for (irql, expected) in [(0, Some(STATUS_SUCCESS)), (DISPATCH_LEVEL, None)] {
        let outer = machine.device(
            Behavior::transfer()
                .when(When::after(SOON).unmarked())
                .at_irql(irql),
        );
        let request = read(
            outer.target(),
            [0; 8],
            0,
            waits,
            (inner.target().clone(), None),
        );
        let completed = request.send_and_wait(passive(), LONG).expect("read");
        assert_eq!(completed.context().1, expected);
    }
}
