//! Every breach of the pending contract, with every ending, at every moment.

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use wdm_irp::in_flight::Sent;
use wdm_irp::sys::{STATUS_CANCELLED, STATUS_PENDING, STATUS_SUCCESS, STATUS_UNSUCCESSFUL};
use wdm_irp::{Completing, IrpError, Signaled, Timeout, completion_routine};
use wdm_irp_sim::{DelayPoint, Machine, When};
use wdm_irp_tests::{
    AnyOutcome, Completed, Count, SOON, Slot, ZERO, count, disk, done, passive, read,
};

use super::common::{Ending, ROUNDS, check, every_journey};

/// All breaches of the pending contract at once, polled, cancelled and timed out meanwhile.
#[test]
fn breaches_of_the_pending_contract_race_with_polls_cancels_and_time_outs() {
    let machine = Machine::new();
    let at = passive();
    let breaches = [
        When::after(SOON).unmarked(),
        When::before_return().unmarked(),
        When::inline().returning(STATUS_PENDING),
        When::inline_marked().returning(STATUS_SUCCESS),
        When::after(SOON).returning(STATUS_SUCCESS),
        When::before_return().returning(STATUS_UNSUCCESSFUL),
        When::after(SOON).unmarked().returning(STATUS_SUCCESS),
        When::cancelled().unmarked().returning(STATUS_SUCCESS),
        When::cancelled().returning(STATUS_UNSUCCESSFUL),
    ];
    let disks = breaches.map(|when| disk(&machine, when));
    let check = |completed: Completed<count, Vec<u8>>| {
        assert_eq!(completed.context().get(), 1);
        let sum: u8 = completed.buffer().iter().sum();
        match completed.status() {
            STATUS_SUCCESS => assert_eq!(sum, 28),
            status => assert_eq!((status, sum), (STATUS_CANCELLED, 0)),
        }
    };
    for round in 0..ROUNDS {
        let mut flights: Vec<_> = disks
            .iter()
            .map(|disk| {
                read(disk.target(), vec![0; 8], 0, count, Count::default())
                    .send_boxed(&at)
                    .expect("sent")
            })
            .collect();
        // All others are in flight while one is waited for on the stack, not for long enough.
        for disk in &disks {
            let request = read(disk.target(), vec![0; 8], 0, count, Count::default());
            let completed = request.send_scoped(&at, |sent| {
                sent.wait(
                    &at,
                    Timeout::milliseconds(u32::try_from(round % 4).unwrap_or(0)),
                )
            });
            check(completed.expect("sent").completed());
        }
        while let Some(sent) = flights.pop() {
            match sent {
                Sent::Completed(outcome) => check(outcome.completed()),
                Sent::InFlight(handle) => {
                    if round % 2 == 0 {
                        handle.cancel();
                    }
                    match handle.try_complete() {
                        Ok(outcome) => check(outcome.completed()),
                        Err(handle) => {
                            check(handle.wait(&at, Timeout::milliseconds(1)).completed());
                        }
                    }
                }
            }
        }
    }
}

/// Every way in which an originator can end a request.
const ENDINGS: [Ending; 8] = [
    |sent| check(&sent.wait(passive(), Timeout::milliseconds(5)).completed()),
    |sent| check(&sent.wait(passive(), ZERO).completed()),
    drop,
    |sent| {
        let Sent::InFlight(in_flight) = sent else {
            return;
        };
        for _ in 0..3 {
            in_flight.cancel();
        }
        check(&in_flight.wait(passive(), Timeout::FOREVER).completed());
    },
    // A poll makes the originator rely on the event; everything after it must still work.
    |sent| {
        let Sent::InFlight(in_flight) = sent else {
            return;
        };
        match in_flight.try_complete() {
            Ok(outcome) => check(&outcome.completed()),
            Err(in_flight) => check(&in_flight.wait(passive(), ZERO).completed()),
        }
    },
    // So does a wait that gives up.
    |sent| {
        let Sent::InFlight(in_flight) = sent else {
            return;
        };
        match in_flight.wait_for(passive(), Timeout::milliseconds(1)) {
            Ok(outcome) => check(&outcome.completed()),
            Err(in_flight) => check(&in_flight.wait(passive(), ZERO).completed()),
        }
    },
    |sent| {
        if let Sent::InFlight(in_flight) = sent {
            drop(in_flight.try_complete());
        }
    },
    |sent| {
        let Sent::InFlight(mut in_flight) = sent else {
            return;
        };
        in_flight.cancel();
        loop {
            match in_flight.try_complete() {
                Ok(outcome) => return check(&outcome.completed()),
                Err(back) => in_flight = back,
            }
            thread::yield_now();
        }
    },
];

#[test]
fn every_ending_meets_every_breach_of_the_pending_contract() {
    let machine = Machine::new();
    machine.record_timeline(false);
    for (index, when) in every_journey().into_iter().enumerate() {
        let disk = disk(&machine, when);
        let endings = if cfg!(miri) {
            let first = index % ENDINGS.len();
            &ENDINGS[first..=first]
        } else {
            &ENDINGS[..]
        };
        for ending in endings {
            let request = read(disk.target(), [0; 8], 0, count, Count::default());
            ending(request.send_boxed(passive()).expect("memory"));
        }
    }
    machine.join_drivers();
    assert_eq!((machine.live_irps(), machine.live_pool_blocks()), (0, 0));
}

#[test]
fn every_ending_meets_a_completer_that_dwells_at_every_point() {
    let machine = Machine::new();
    machine.record_timeline(false);
    let journeys = [
        When::after(Duration::ZERO).cancelable(),
        When::after(Duration::ZERO).unmarked(),
        When::before_return().returning(STATUS_SUCCESS),
    ];
    let (journeys, endings) = if cfg!(miri) {
        (&journeys[..1], &ENDINGS[..1])
    } else {
        (&journeys[..], &ENDINGS[..])
    };
    for &point in DelayPoint::ALL {
        machine.faults().clear();
        machine.faults().delay(point, Duration::from_micros(300));
        for &when in journeys {
            let disk = disk(&machine, when);
            for ending in endings {
                let request = read(disk.target(), [0; 8], 0, count, Count::default());
                ending(request.send_boxed(passive()).expect("memory"));
            }
        }
    }
}

/// The stack is reused at once, so that a late completer would write to the next request.
#[test]
fn time_out_of_zero_races_with_a_completion_on_the_same_stack() {
    let machine = Machine::new();
    machine.record_timeline(false);
    for round in 0..if cfg!(miri) { 4 } else { 150 } {
        let delay = Duration::from_micros(round * 11 % 200);
        let when = match round % 3 {
            0 => When::after(delay),
            1 => When::after(delay).unmarked(),
            _ => When::after(delay).cancelable(),
        };
        let disk = disk(&machine, when);
        let request = read(disk.target(), [0; 8], 0, count, Count::default());
        match request.send_and_wait(passive(), ZERO) {
            Ok(completed) => check(&completed),
            Err(error) => assert_eq!(error.error(), IrpError::TimedOut),
        }
    }
}

#[test]
fn handle_is_forgotten_in_a_scope_after_a_poll_a_cancellation_and_every_breach() {
    let machine = Machine::new();
    machine.record_timeline(false);
    for (index, when) in every_journey().into_iter().enumerate() {
        let disk = disk(&machine, when);
        for polls in [false, true] {
            if cfg!(miri) && polls == (index % 2 == 0) {
                continue;
            }
            let mut block = [0; 8];
            let request = read(disk.target(), &mut block, 0, done, ());
            request
                .send_scoped(passive(), |sent| {
                    let Sent::InFlight(in_flight) = sent else {
                        return;
                    };
                    if !polls {
                        return std::mem::forget(in_flight);
                    }
                    match in_flight.try_complete() {
                        Ok(outcome) => assert_eq!(outcome.expect("read").information(), 8),
                        Err(in_flight) => {
                            in_flight.cancel();
                            std::mem::forget(in_flight);
                        }
                    }
                })
                .expect("sent");
            assert_eq!(machine.live_irps(), 0);
            block.fill(1);
        }
    }
}

/// A signal that comes before the send returns must not be taken for that of a later round.
#[test]
fn early_signals_do_not_leak_into_later_rounds() {
    static SLOT: Slot<numbered, [u8; 8]> = Slot::new();
    static COMPLETIONS: AtomicU32 = AtomicU32::new(0);

    #[completion_routine]
    fn numbered(mut irp: Completing<'_, u32>) -> Signaled<'_> {
        *irp.context_mut() = COMPLETIONS.fetch_add(1, Ordering::Relaxed);
        irp.signal_if_pended()
    }

    let machine = Machine::new();
    machine.record_timeline(false);
    let journeys = every_journey();
    let rounds: u32 = if cfg!(miri) { 10 } else { 200 };
    for round in 0..rounds {
        // Neighbors in every order, eventually.
        let (index, journey_count) = (round as usize, journeys.len());
        let when = journeys[index * (1 + index / journey_count) % journey_count];
        let disk = disk(&machine, when);
        let request = read(disk.target(), [0; 8], 0, numbered, u32::MAX);
        let sent = request.send_in(&SLOT, passive()).expect("free");
        let outcome = match (round % 3, sent) {
            (0, sent) => sent.wait(passive(), ZERO),
            (1, Sent::InFlight(in_flight)) => match in_flight.try_complete() {
                Ok(outcome) => outcome,
                Err(in_flight) => in_flight.wait(passive(), Timeout::milliseconds(4)),
            },
            (_, sent) => sent.wait(passive(), Timeout::milliseconds(4)),
        };
        assert_eq!(
            *outcome.completed().context(),
            round,
            "completed after it was given back"
        );
    }
}
