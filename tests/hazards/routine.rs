//! What a completion routine can and cannot do, and when it runs.
//!
//! Hazards [H2](../../docs/hazards.md#h2), [H4](../../docs/hazards.md#h4),
//! [H18](../../docs/hazards.md#h18), [H21](../../docs/hazards.md#h21) and
//! [H22](../../docs/hazards.md#h22).

use std::process::Command;

use wdm_irp::error::SendError;
use wdm_irp::sys::{STATUS_INVALID_PARAMETER, STATUS_SUCCESS};
use wdm_irp::{Completing, Signaled, Timeout, completion_routine};
use wdm_irp_sim::{Behavior, Machine, When};
use wdm_irp_tests::{Count, LONG, SOON, Slot, Target, count, disk, done, passive, read};

#[test]
fn h02_routine_runs_for_success_error_and_cancel() {
    let machine = Machine::new();
    let at = passive();
    for (behavior, timeout) in [
        (Behavior::complete(STATUS_SUCCESS, 0), LONG),
        (Behavior::complete(STATUS_INVALID_PARAMETER, 0), LONG),
        (
            Behavior::transfer().when(When::cancelled()),
            Timeout::milliseconds(1),
        ),
    ] {
        let disk = machine.device(behavior);
        let read = read(disk.target(), [0; 8], 0, count, Count::default());
        let context = match read.send_and_wait(&at, timeout) {
            Ok(completed) => completed.into_parts().1,
            Err(SendError::Failed(failed)) => failed.into_completed().into_parts().1,
            Err(SendError::NotSent(not_sent)) => panic!("{not_sent}"),
        };
        assert_eq!(context.get(), 1);
    }
}

#[test]
fn h04_routine_always_returns_more_processing_required() {
    let machine = Machine::new();
    for when in [When::inline(), When::after(SOON)] {
        let disk = disk(&machine, when);
        let read = read(disk.target(), [0; 8], 0, done, ());
        read.send_and_wait(passive(), LONG).expect("read");
    }
    // The signal comes before the routine returns.
    machine.join_drivers();
    // The model reports RoutineLetCompletionContinue for any other status; here is what it has seen
    // instead.
    let text = machine.timeline().to_text();
    assert_eq!(
        text.matches("routine returned STATUS_MORE_PROCESSING_REQUIRED")
            .count(),
        2,
        "{text}"
    );
}

#[test]
fn h18_context_arrives_and_comes_back() {
    #[completion_routine]
    fn note(mut irp: Completing<'_, Vec<(i32, usize)>>) -> Signaled<'_> {
        let seen = (irp.status(), irp.information());
        irp.context_mut().push(seen);
        irp.signal_if_pended()
    }

    let machine = Machine::new();
    for when in [When::inline(), When::after(SOON)] {
        let disk = disk(&machine, when);
        let read = read(disk.target(), [0; 8], 0, note, vec![(1, 1)]);
        let completed = read.send_and_wait(passive(), LONG).expect("read");
        assert_eq!(*completed.context(), [(1, 1), (STATUS_SUCCESS, 8)]);
    }
}

/// A routine may send another IRP, whose routine runs inside of it: their tokens do not mix.
#[test]
fn h21_nested_invocations_have_their_own_tokens() {
    use wdm_irp::in_flight::Sent;

    static INNER: Slot<done, [u8; 8]> = Slot::new();

    struct Chain {
        next: Target,
        inner: Option<Sent<&'static Slot<done, [u8; 8]>>>,
    }

    #[completion_routine]
    fn chained(mut irp: Completing<'_, Chain>) -> Signaled<'_> {
        let at = irp.irql();
        let chain = irp.context_mut();
        let read = read(&chain.next, [0; 8], 0, done, ());
        chain.inner = Some(read.send_in(&INNER, at).expect("the slot is free"));
        irp.signal_if_pended()
    }

    let machine = Machine::new();
    for when in [When::inline(), When::after(SOON)] {
        let outer = disk(&machine, when);
        let inner = disk(&machine, when);
        let chain = Chain {
            next: inner.target().clone(),
            inner: None,
        };
        let read = read(outer.target(), [0; 8], 0, chained, chain);
        let completed = read.send_and_wait(passive(), LONG).expect("outer");
        let (_, chain) = completed.into_parts();
        let inner = chain
            .inner
            .expect("sent")
            .wait(passive(), LONG)
            .expect("read");
        assert_eq!(*inner.buffer(), [0, 1, 2, 3, 4, 5, 6, 7]);
    }
}

#[completion_routine]
fn panics(irp: Completing<'_, ()>) -> Signaled<'_> {
    assert!(irp.status() != STATUS_SUCCESS, "this routine panics");
    irp.signal_if_pended()
}

/// Says to a process of this test which journey to panic on.
const CHILD: &str = "WDM_IRP_PANIC_ON";

#[test]
#[cfg_attr(miri, ignore = "starts processes, which Miri cannot")]
fn h22_panic_in_routine_aborts() {
    if let Ok(journey) = std::env::var(CHILD) {
        let machine = Machine::new();
        let pended = journey == "pended";
        let disk = disk(
            &machine,
            if pended {
                When::after(SOON)
            } else {
                When::inline()
            },
        );
        let result = std::panic::catch_unwind(|| {
            let read = read(disk.target(), [0; 8], 0, panics, ());
            let _ = read.send_and_wait(passive(), LONG);
        });
        println!("the panic got out of the routine: {}", result.is_err());
        std::process::exit(0);
    }
    for journey in ["inline", "pended"] {
        let output = Command::new(std::env::current_exe().expect("this test"))
            .args([
                "--exact",
                "routine::h22_panic_in_routine_aborts",
                "--nocapture",
            ])
            .env(CHILD, journey)
            .output()
            .expect("runs");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "survived: {stderr}");
        assert!(stderr.contains("this routine panics"), "{stderr}");
        assert!(
            stderr.contains("panic in a function that cannot unwind"),
            "{stderr}"
        );
        assert!(!String::from_utf8_lossy(&output.stdout).contains("got out of the routine"));
    }
}

#[test]
fn routine_sees_no_passive_irql_when_completed_at_dispatch_level() {
    #[completion_routine]
    fn look(mut irp: Completing<'_, Option<bool>>) -> Signaled<'_> {
        *irp.context_mut() = Some(wdm_irp::PassiveLevel::check().is_ok());
        irp.signal_if_pended()
    }
    let machine = Machine::new();
    let disk = machine.device(Behavior::transfer().when(When::after(SOON)));
    let read = read(disk.target(), [0; 8], 0, look, None);
    let completed = read.send_and_wait(passive(), LONG).expect("read");
    assert_eq!(*completed.context(), Some(false));
}
