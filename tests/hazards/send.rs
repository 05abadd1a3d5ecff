//! The ways to send a request, those in which it is not sent, and the waits.
//!
//! Hazards [H3](../../docs/hazards.md#h3), [H8](../../docs/hazards.md#h8), [H9](../../docs/hazards.md#h9) and
//! [H12](../../docs/hazards.md#h12).

use wdm_irp::error::{NotSent, SendError};
use wdm_irp::in_flight::Sent;
use wdm_irp::routine::SignalIfPended;
use wdm_irp::sys::{PASSIVE_LEVEL, STATUS_SUCCESS};
use wdm_irp::{ByteOffset, Irp, IrpError, PassiveLevel, Timeout};
use wdm_irp_sim::{Behavior, DeviceOptions, Machine, When};
use wdm_irp_tests::{
    Completed, Count, LONG, SOON, Slot, Target, allocate, count, disk, done, passive, read,
};

/// Sends requests without a routine in every way there is: the model reports an IRP that has none.
#[test]
fn h03_request_without_routine_gets_the_librarys() {
    static SLOT: Slot<SignalIfPended, [u8; 8]> = Slot::new();

    let machine = Machine::new();
    let at = passive();
    for (when, waits) in [
        (When::inline(), 0..=0),
        (When::inline_marked(), 1..=1),
        (When::after(SOON), 1..=1),
        // Nobody waits if it completes before the target returns.
        (When::after(SOON).unmarked(), 0..=1),
    ] {
        let disk = disk(&machine, when);
        let request = || allocate(disk.target()).read([0; 8], ByteOffset(3));
        let ways: [&dyn Fn() -> Completed<SignalIfPended, [u8; 8]>; 4] = [
            &|| request().send_and_wait(&at, LONG).expect("read"),
            &|| {
                let outcome = request().send_scoped(&at, |sent| sent.wait(&at, LONG));
                outcome.expect("sent").expect("read")
            },
            &|| {
                let sent = request().send_in(&SLOT, &at).expect("free");
                sent.wait(&at, LONG).expect("read")
            },
            &|| {
                let sent = request().send_boxed(&at).expect("memory");
                sent.wait(&at, LONG).expect("read")
            },
        ];
        for send in ways {
            let before = machine.waits().len();
            let mut completed = send();
            assert_eq!(completed.transferred(), [3, 4, 5, 6, 7, 8, 9, 10]);
            let waited = machine.waits().len() - before;
            assert!(waits.contains(&waited), "{waited} waits, {when:?}");
            drop(completed);
            assert_eq!(machine.live_irps(), 0);
        }
    }
    machine.join_drivers();
    let text = machine.timeline().to_text();
    let returns = "routine returned STATUS_MORE_PROCESSING_REQUIRED";
    assert_eq!(text.matches(returns).count(), 16, "{text}");
}

#[test]
fn h09_request_that_is_not_sent_comes_back_whole() {
    let machine = Machine::new();
    let at = passive();
    let disk = machine.device_with(DeviceOptions::new("disk").direct(), Behavior::transfer());
    machine.fail_next_mdl_allocation();
    let read = read(disk.target(), [7; 8], 3, count, Count::default());
    let Err(SendError::NotSent(NotSent { error, request })) = read.send_and_wait(&at, LONG) else {
        panic!("sent without an MDL");
    };
    assert_eq!(error, IrpError::MdlAllocation);
    assert_eq!(machine.live_irps(), 1, "the request still has its IRP");

    let completed = request.send_and_wait(&at, LONG).expect("second attempt");
    assert_eq!(*completed.buffer(), [3, 4, 5, 6, 7, 8, 9, 10]);
    assert_eq!(completed.context().get(), 1);
    assert_eq!(machine.live_mdls(), 0);
}

#[test]
fn h09_request_that_is_not_sent_can_be_dropped() {
    static SLOT: Slot<count, [u8; 8]> = Slot::new();

    let machine = Machine::new();
    let at = passive();
    let disk = machine.device_with(DeviceOptions::new("disk").direct(), Behavior::transfer());
    let request = || {
        machine.fail_next_mdl_allocation();
        read(disk.target(), [0; 8], 0, count, Count::default())
    };
    drop(request().send_in(&SLOT, &at).expect_err("no MDL"));
    drop(request().send_boxed(&at).expect_err("no MDL"));
    drop(
        request()
            .send_scoped(&at, |_| unreachable!("not sent"))
            .expect_err("no MDL"),
    );
    drop(request().send_and_wait(&at, LONG).expect_err("no MDL"));
    assert_eq!((machine.live_irps(), machine.live_mdls()), (0, 0));
}

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
        // Pended, so that its event is signaled; then pended and held, so that a stale signal would
        // show.
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
        let completed = in_flight.wait(&at, LONG).expect("read");
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
fn scope_gives_the_result_of_its_closure() {
    fn read(disk: &Target, block: &mut [u8], at: &PassiveLevel) -> Result<usize, IrpError> {
        let request = Irp::allocate(disk)?
            .read(block, ByteOffset(0))
            .on_completion(done, ());
        let outcome = request.send_scoped(at, |sent| sent.wait(at, LONG))?;
        Ok(outcome?.information())
    }
    let machine = Machine::new();
    let mut block = [0; 16];
    for when in [When::inline(), When::after(SOON)] {
        let disk = disk(&machine, when);
        assert_eq!(read(disk.target(), &mut block, &passive()), Ok(16));
    }
    assert!(block.iter().copied().eq(0..16));
}
