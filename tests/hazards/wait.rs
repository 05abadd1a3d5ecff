//! Waiting: when, how, and for how long.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use wdm_irp::sys::{PASSIVE_LEVEL, STATUS_CANCELLED, STATUS_IO_TIMEOUT, STATUS_SUCCESS};
use wdm_irp::{IrpError, SendError, Sent, Slot, Timeout};
use wdm_irp_sim::{Behavior, Machine, When};
use wdm_irp_tests::{Count, LONG, SOON, count, disk, done, passive, read};

#[test]
fn h08_completed_inline_is_not_waited_for() {
    let machine = Machine::new();
    let disk = disk(&machine, When::inline());
    let read = read(disk.target(), [0; 8], 0, done, ());
    read.send_and_wait(passive(), Timeout::FOREVER)
        .expect("read");
    assert!(machine.waits().is_empty());
}

/// The signal of an earlier round must not end the wait of a later one: the slot is the same.
#[test]
fn h08_no_stale_signal_in_a_reused_slot() {
    static SLOT: Slot<count, [u8; 8]> = Slot::new();

    let machine = Machine::new();
    let at = passive();
    let disk = disk(&machine, When::inline());
    for round in 0..6_u8 {
        // Pended, so that its event is signalled; then pended and held, so that a stale signal would show.
        let late = round % 2 == 1;
        disk.set_behavior(Behavior::transfer().when(if late {
            When::triggered()
        } else {
            When::before_return()
        }));
        let request = read(disk.target(), [0; 8], round.into(), count, Count::default());
        let sent = request.send_in(&SLOT, &at).expect("the slot is free");
        let Sent::InFlight(in_flight) = sent else {
            panic!("marked pending, so it is waited for")
        };
        let in_flight = if late {
            let in_flight = in_flight
                .try_complete()
                .expect_err("nobody has completed it");
            assert!(disk.complete_next(STATUS_SUCCESS, 8));
            in_flight
        } else {
            in_flight
        };
        let completed = in_flight.wait(&at, LONG);
        assert_eq!(completed.context().get(), 1);
        assert!(!completed.timed_out());
    }
}

#[test]
fn h12_waits_are_in_kernel_mode_and_not_alertable() {
    let machine = Machine::new();
    let at = passive();
    let slow = disk(&machine, When::after(SOON));
    let stuck = disk(&machine, When::cancelled());
    for (target, timeout) in [
        (&slow, LONG),
        (&slow, Timeout::FOREVER),
        (&stuck, Timeout::milliseconds(1)),
    ] {
        let read = read(target.target(), [0; 8], 0, done, ());
        let _ = read.send_and_wait(&at, timeout);
    }
    let waits = machine.waits();
    assert_eq!(waits.len(), 4, "{waits:?}");
    for wait in waits {
        assert_eq!(
            (wait.mode, wait.alertable, wait.irql),
            (0, false, PASSIVE_LEVEL)
        );
    }
}

#[test]
fn h13_cancel_may_race_with_completion() {
    let machine = Machine::new();
    let at = passive();
    let rounds = if cfg!(miri) { 5 } else { 200 };
    for round in 0..rounds {
        let when = When::after(Duration::from_micros(round * 7 % 300)).cancelable();
        let disk = disk(&machine, when);
        let request = read(disk.target(), [0; 8], 0, count, Count::default());
        let sent = request.send_boxed(&at).expect("memory");
        if let Sent::InFlight(in_flight) = sent {
            std::thread::scope(|threads| {
                let handle = machine.handle();
                let in_flight = &in_flight;
                threads.spawn(move || {
                    let _on = handle.enter();
                    in_flight.cancel();
                });
                in_flight.cancel();
            });
            let completed = in_flight.wait(&at, LONG);
            assert!([STATUS_SUCCESS, STATUS_CANCELLED].contains(&completed.status()));
            assert_eq!(completed.context().get(), 1);
        }
    }
}

#[test]
fn h13_cancel_after_completion_does_nothing() {
    let machine = Machine::new();
    let at = passive();
    let disk = disk(&machine, When::before_return().cancelable());
    let request = read(disk.target(), [0; 8], 0, done, ());
    let Sent::InFlight(in_flight) = request.send_boxed(&at).expect("memory") else {
        panic!("marked pending")
    };
    in_flight.cancel();
    in_flight.cancel();
    assert_eq!(in_flight.wait(&at, LONG).status(), STATUS_SUCCESS);
}

#[test]
fn h14_time_out_cancels_and_waits() {
    let machine = Machine::new();
    let disk = disk(&machine, When::cancelled());
    let read = read(disk.target(), [0; 8], 0, count, Count::default());
    let error = read
        .send_and_wait(passive(), Timeout::milliseconds(2))
        .expect_err("timed out");
    assert_eq!(error.error(), IrpError::TimedOut);
    assert_eq!(error.error().status(), STATUS_IO_TIMEOUT);
    let SendError::Failed(completed) = error else {
        panic!("sent")
    };
    assert!(completed.timed_out());
    assert_eq!(
        (completed.status(), completed.context().get()),
        (STATUS_CANCELLED, 1)
    );
    let timeouts: Vec<_> = machine.waits().iter().map(|wait| wait.timeout).collect();
    assert_eq!(timeouts, [Some(-20_000), None]);
}

/// A lower driver that ignores the cancellation is waited for: its memory is in use.
#[test]
fn h14_time_out_waits_for_a_driver_that_ignores_the_cancellation() {
    let machine = Machine::new();
    let disk = Arc::new(disk(&machine, When::triggered()));
    let read = read(disk.target(), [0; 8], 0, done, ());
    let driver = machine.spawn({
        let disk = disk.clone();
        move || {
            let irp = loop {
                if let Some(irp) = disk.take_next() {
                    break irp;
                }
                thread::yield_now();
            };
            while !irp.is_cancelled() {
                thread::yield_now();
            }
            thread::sleep(SOON);
            irp.write_output(&[9; 8]);
            irp.complete(STATUS_SUCCESS, 8);
        }
    });
    let completed = read
        .send_and_wait(passive(), Timeout::milliseconds(1))
        .expect("it succeeded after all");
    assert!(completed.timed_out());
    assert_eq!(*completed.buffer(), [9; 8]);
    driver.join().expect("no panic");
}

#[test]
fn h14_time_out_of_zero_polls_once_and_cancels() {
    let machine = Machine::new();
    let disk = disk(&machine, When::cancelled());
    let read = read(disk.target(), [0; 8], 0, done, ());
    let error = read
        .send_and_wait(passive(), Timeout::after(Duration::ZERO))
        .expect_err("timed out");
    assert_eq!(error.error(), IrpError::TimedOut);
}

#[test]
fn h15_forever_is_spelled_and_means_it() {
    let machine = Machine::new();
    let disk = disk(&machine, When::after(SOON));
    let read = read(disk.target(), [0; 8], 0, done, ());
    read.send_and_wait(passive(), Timeout::FOREVER)
        .expect("read");
    assert_eq!(machine.waits()[0].timeout, None);
}

#[test]
fn h15_time_outs_are_relative_and_in_units_of_100_ns() {
    let machine = Machine::new();
    let at = passive();
    let disk = disk(&machine, When::after(SOON));
    let longest = Duration::MAX;
    for timeout in [
        Timeout::seconds(7),
        Timeout::milliseconds(7000),
        Timeout::after(Duration::from_secs(7)),
        Timeout::after(Duration::from_nanos(6_999_999_901)),
        Timeout::seconds(u32::MAX),
        Timeout::after(longest),
    ] {
        let read = read(disk.target(), [0; 8], 0, done, ());
        read.send_and_wait(&at, timeout).expect("read");
    }
    let waited: Vec<_> = machine.waits().iter().map(|wait| wait.timeout).collect();
    assert_eq!(
        waited,
        [
            Some(-70_000_000),
            Some(-70_000_000),
            Some(-70_000_000),
            Some(-70_000_000),
            Some(-10_000_000 * i64::from(u32::MAX)),
            Some(-i64::MAX)
        ]
    );
}

#[test]
fn poll_does_not_wait() {
    let machine = Machine::new();
    let at = passive();
    let disk = disk(&machine, When::triggered());
    let request = read(disk.target(), [0; 8], 0, count, Count::default());
    let Sent::InFlight(mut in_flight) = request.send_boxed(&at).expect("memory") else {
        panic!("pended")
    };
    for _ in 0..3 {
        in_flight = in_flight.try_complete().expect_err("still in flight");
    }
    assert!(disk.complete_next(STATUS_SUCCESS, 8));
    let completed = in_flight.try_complete().expect("completed");
    assert_eq!((completed.information(), completed.context().get()), (8, 1));
}
