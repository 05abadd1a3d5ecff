//! How long a wait lasts, [H15](../../docs/hazards.md#h15), and what a time-out does,
//! [H14](../../docs/hazards.md#h14).

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use wdm_irp::error::SendError;
use wdm_irp::in_flight::InFlight;
use wdm_irp::sys::{STATUS_CANCELLED, STATUS_IO_TIMEOUT, STATUS_SUCCESS};
use wdm_irp::{IrpError, Timeout};
use wdm_irp_sim::{Machine, When};
use wdm_irp_tests::BoxedSlot;
use wdm_irp_tests::{Count, LONG, SOON, ZERO, count, disk, done, in_flight, passive, read};

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
    let SendError::Failed(failed) = error else {
        panic!("sent")
    };
    let completed = failed.into_completed();
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

/// A wait that gives up leaves the request alone: what it asked for arrives later.
#[test]
fn h14_wait_for_gives_the_request_back_in_flight() {
    let machine = Machine::new();
    let at = passive();
    for when in [
        When::triggered().cancelable(),
        When::triggered().cancelable().unmarked(),
    ] {
        let disk = disk(&machine, when);
        let read = read(disk.target(), [0; 8], 5, count, Count::default());
        let mut handle = in_flight(read.send_boxed(&at).expect("memory"));
        for patience in [ZERO, Timeout::milliseconds(2), ZERO] {
            handle = handle.wait_for(&at, patience).expect_err("in flight");
        }
        let irp = disk.take_next().expect("in flight, and not cancelled");
        assert!(!irp.is_cancelled());
        irp.write_output(&irp.read_pattern());
        irp.complete(STATUS_SUCCESS, 8);
        let outcome = handle.wait_for(&at, ZERO).expect("completed");
        let mut completed = outcome.expect("read");
        assert_eq!(completed.transferred(), [5, 6, 7, 8, 9, 10, 11, 12]);
        assert_eq!(completed.context().get(), 1);
        assert!(!completed.timed_out());
    }
    assert!(!machine.timeline().to_text().contains("IoCancelIrp"));
}

/// After a wait that gave up, all that ends a request still does.
#[test]
fn h14_request_that_wait_for_gave_back_is_ended_in_every_way() {
    type Handle = InFlight<BoxedSlot<count, [u8; 8]>>;

    fn timed_out(handle: Handle) {
        let failed = handle.wait(passive(), ZERO).expect_err("cancelled");
        assert_eq!(failed.error(), IrpError::TimedOut);
    }
    fn cancelled(handle: Handle) {
        handle.cancel();
        let outcome = handle.wait_for(passive(), LONG).expect("cancelled");
        let failed = outcome.expect_err("cancelled");
        assert_eq!(failed.error(), IrpError::Device(STATUS_CANCELLED));
        assert!(!failed.completed().timed_out());
    }
    fn polled(handle: Handle) {
        let handle = handle.try_complete().expect_err("in flight");
        handle.cancel();
        let outcome = handle.try_complete().expect("cancelled");
        let failed = outcome.expect_err("cancelled");
        assert_eq!(failed.completed().context().get(), 1);
    }

    let machine = Machine::new();
    for when in [When::cancelled(), When::cancelled().unmarked()] {
        let disk = disk(&machine, when);
        for end in [timed_out, cancelled, polled, drop] {
            let read = read(disk.target(), [0; 8], 0, count, Count::default());
            let handle = in_flight(read.send_boxed(passive()).expect("memory"));
            let handle = handle.wait_for(passive(), ZERO);
            end(handle.expect_err("in flight"));
            assert_eq!(machine.live_irps(), 0);
        }
    }
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
