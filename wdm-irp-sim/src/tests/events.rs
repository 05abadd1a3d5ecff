//! Events and waits.

use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use wdm_irp::sys::{APC_LEVEL, DISPATCH_LEVEL, NTSTATUS, STATUS_SUCCESS, STATUS_TIMEOUT};

use super::support::*;
use crate::{Machine, ViolationKind, irql};

/// 100 ns, relative.
const MILLISECOND: i64 = -10_000;

/// Starts as many threads that wait for the event, and returns when all do.
fn wait_on_threads(machine: &Machine, event: Event, count: usize) -> Vec<JoinHandle<NTSTATUS>> {
    let waiters = (0..count)
        .map(|_| machine.spawn(move || event.wait(Some(20_000 * MILLISECOND))))
        .collect();
    until(|| event.waiters() == count);
    waiters
}

#[test]
fn a_notification_event_stays_signaled() {
    let machine = Machine::new();
    let event = Event::notification();
    assert_eq!(event.wait(Some(0)), STATUS_TIMEOUT);
    assert_eq!(event.set(), 0);
    assert_eq!(event.set(), 1);
    assert_eq!(event.wait(Some(0)), STATUS_SUCCESS);
    assert_eq!(event.wait(None), STATUS_SUCCESS);
    event.free();
    machine.finish();
}

#[test]
fn a_synchronization_event_is_reset_by_the_wait() {
    let machine = Machine::new();
    let event = Event::synchronization();
    event.set();
    assert_eq!(event.wait(None), STATUS_SUCCESS);
    assert_eq!(event.wait(Some(0)), STATUS_TIMEOUT);
    event.free();
    machine.finish();
}

#[test]
fn who_waits_is_woken() {
    let machine = Machine::new();
    let event = Event::notification();
    let waiters = wait_on_threads(&machine, event, 3);
    event.set();
    for waiter in waiters {
        assert_eq!(waiter.join().unwrap(), STATUS_SUCCESS);
    }
    event.free();
    machine.finish();
}

#[test]
fn a_synchronization_event_wakes_one_at_a_time() {
    let machine = Machine::new();
    let event = Event::synchronization();
    let waiters = wait_on_threads(&machine, event, 2);
    event.set();
    until(|| !machine.waits().is_empty());
    assert_eq!((event.waiters(), machine.waits().len()), (1, 1));
    event.set();
    for waiter in waiters {
        assert_eq!(waiter.join().unwrap(), STATUS_SUCCESS);
    }
    assert_eq!(event.wait(Some(0)), STATUS_TIMEOUT, "nothing is left over");
    event.free();
    machine.finish();
}

#[test]
fn a_wait_times_out_in_real_time() {
    let machine = Machine::new();
    let event = Event::synchronization();
    let start = Instant::now();
    assert_eq!(event.wait(Some(30 * MILLISECOND)), STATUS_TIMEOUT);
    assert!(start.elapsed() >= Duration::from_millis(30));
    // The slot of that wait is gone: it does not take the signal.
    event.set();
    assert_eq!(event.wait(Some(MILLISECOND)), STATUS_SUCCESS);
    let waits = machine.waits();
    assert_eq!(waits[0].timeout, Some(30 * MILLISECOND));
    assert_eq!(waits[0].status, STATUS_TIMEOUT);
    assert_eq!(waits[1].status, STATUS_SUCCESS);
    event.free();
    machine.finish();
}

#[test]
#[cfg(not(miri))] // Miri has no wall clock.
fn an_absolute_time_in_the_past_has_passed() {
    let machine = Machine::new();
    let event = Event::notification();
    assert_eq!(event.wait(Some(1)), STATUS_TIMEOUT);
    event.free();
    machine.finish();
}

#[test]
fn the_waiter_may_free_the_event_at_once() {
    let machine = Machine::new();
    machine
        .faults()
        .delay(crate::DelayPoint::AfterSetEvent, Duration::from_millis(2));
    let rounds = if cfg!(miri) { 4 } else { 100 };
    for _ in 0..rounds {
        let event = Event::notification();
        let setter = machine.spawn(move || event.set());
        assert_eq!(event.wait(None), STATUS_SUCCESS);
        event.free();
        assert_eq!(setter.join().unwrap(), 0);
    }
    machine.finish();
}

#[test]
fn waits_that_are_not_allowed() {
    let machine = Machine::new();
    let event = Event::notification();
    event.set();
    event.wait_as(1, false, None);
    event.wait_as(0, true, None);
    {
        let _raised = irql::raise(APC_LEVEL);
        event.wait(None);
    }
    {
        let _raised = irql::raise(DISPATCH_LEVEL);
        event.wait(Some(0));
        event.wait(Some(MILLISECOND));
        event.wait(None);
    }
    event.free();
    let waits = machine.waits();
    assert_eq!((waits[0].mode, waits[0].alertable), (1, false));
    assert_eq!((waits[1].mode, waits[1].alertable), (0, true));
    assert_eq!(waits[2].irql, APC_LEVEL);
    assert_kinds(
        &machine.into_report(),
        &[
            ViolationKind::UserModeWait,
            ViolationKind::AlertableWait,
            ViolationKind::WaitAtBadIrql,
            ViolationKind::WaitAtBadIrql,
        ],
    );
}

#[test]
fn signals_that_are_not_allowed() {
    let machine = Machine::new();
    let event = Event::notification();
    {
        let _raised = irql::raise(APC_LEVEL);
        event.set_wait(true);
    }
    {
        let _raised = irql::raise(DISPATCH_LEVEL);
        event.set();
        event.set_wait(true);
    }
    {
        let _raised = irql::raise(DISPATCH_LEVEL + 1);
        event.set();
    }
    event.free();
    assert_kinds(
        &machine.into_report(),
        &[
            ViolationKind::SetEventWaitAtBadIrql,
            ViolationKind::IrqlTooHigh,
        ],
    );
}

#[test]
fn an_event_that_is_not_initialized() {
    let machine = Machine::new();
    let event = Event::uninitialized();
    event.set();
    event.wait(Some(0));
    event.free();
    assert_kinds(
        &machine.into_report(),
        &[ViolationKind::EventNotInitialized; 2],
    );
}

#[test]
fn an_event_is_initialized_while_a_thread_waits_on_it() {
    let machine = Machine::new();
    let event = Event::notification();
    let waiter = machine.spawn(move || event.wait(None));
    until(|| event.waiters() == 1);
    event.initialize(0);
    event.set();
    assert_eq!(waiter.join().unwrap(), STATUS_SUCCESS);
    event.free();
    assert_kinds(
        &machine.into_report(),
        &[ViolationKind::EventInitializedWhileWaitedOn],
    );
}

#[test]
fn a_time_out_counts_in_units_of_100_nanoseconds() {
    let machine = Machine::new();
    let event = Event::notification();
    event.set();
    event.wait(Some(-12));
    event.wait(Some(30 * MILLISECOND));
    assert!(has_entry(
        &machine,
        "KeWaitForSingleObject(KernelMode, 1.2µs)"
    ));
    assert!(has_entry(
        &machine,
        "KeWaitForSingleObject(KernelMode, 30ms)"
    ));
    event.free();
    machine.finish();
}
