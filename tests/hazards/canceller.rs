//! Rights to cancel a request, from any thread and at any time.
//!
//! Hazards [H13](../../docs/hazards.md#h13) and [H47](../../docs/hazards.md#h47).

use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::Duration;

use wdm_irp::in_flight::{CancellableSlot, Canceller, Sent};
use wdm_irp::sys::{STATUS_CANCELLED, STATUS_SUCCESS};
use wdm_irp::{Completing, IrpError, Signaled, Timeout, completion_routine};
use wdm_irp_sim::{Machine, When};
use wdm_irp_tests::{
    AnyOutcome, Count, LONG, SOON, Target, ZERO, count, disk, in_flight, passive, read,
};

type Reading = Sent<CancellableSlot<count, [u8; 8], Target>>;

fn send(target: &Target) -> (Reading, Canceller) {
    let request = read(target, [0; 8], 0, count, Count::default());
    request.send_cancellable(passive()).expect("memory")
}

#[test]
fn h13_request_is_cancelled_while_another_thread_waits_for_it() {
    let machine = Machine::new();
    for when in [When::cancelled(), When::cancelled().unmarked()] {
        let disk = disk(&machine, when);
        let (sent, canceller) = send(disk.target());
        let other = machine.spawn(move || {
            thread::sleep(SOON);
            canceller.cancel();
        });
        let failed = sent.wait(passive(), Timeout::FOREVER);
        let failed = failed.expect_err("cancelled");
        assert_eq!(failed.error(), IrpError::Device(STATUS_CANCELLED));
        assert_eq!(failed.completed().context().get(), 1);
        other.join().expect("no panic");
    }
}

/// The IRP stays as long as somebody may cancel it, so that it is no other request's.
#[test]
fn h13_canceller_does_nothing_after_the_completion() {
    let machine = Machine::new();
    for when in [When::inline(), When::inline_marked(), When::after(SOON)] {
        let disk = disk(&machine, when);
        let (sent, canceller) = send(disk.target());
        let done = sent.wait(passive(), LONG).expect("read");
        assert_eq!((done.status(), machine.live_irps()), (STATUS_SUCCESS, 1));
        // A request that was allocated meanwhile is not the one that is cancelled.
        let (stuck, other) = send(self::disk(&machine, When::cancelled()).target());
        canceller.cancel();
        drop(done);
        canceller.cancel();
        assert!(!format!("{:?}", in_flight(stuck).try_complete()).starts_with("Ok"));
        other.cancel();
        drop((canceller, other));
        machine.join_drivers();
        assert_eq!((machine.live_irps(), machine.live_pool_blocks()), (0, 0));
    }
}

#[test]
fn h13_cancellers_race_with_the_completion_and_with_the_end_of_the_handle() {
    let machine = Machine::new();
    machine.record_timeline(false);
    let rounds = if cfg!(miri) { 4 } else { 150 };
    for round in 0..rounds {
        let when = When::after(Duration::from_micros(round * 7 % 300)).cancelable();
        let disk = disk(&machine, when);
        let (sent, canceller) = send(disk.target());
        let mut cancellers = vec![canceller];
        if let Sent::InFlight(in_flight) = &sent {
            cancellers.extend([in_flight.canceller(), in_flight.canceller()]);
        }
        let threads: Vec<_> = cancellers
            .into_iter()
            .map(|canceller| {
                machine.spawn(move || {
                    canceller.cancel();
                    canceller.cancel();
                })
            })
            .collect();
        match round % 4 {
            0 => drop(sent),
            1 => drop(sent.wait(passive(), ZERO)),
            _ => {
                let completed = sent.wait(passive(), LONG).completed();
                assert!([STATUS_SUCCESS, STATUS_CANCELLED].contains(&completed.status()));
                assert_eq!(completed.context().get(), 1);
            }
        }
        for thread in threads {
            thread.join().expect("no panic");
        }
        machine.join_drivers();
        assert_eq!((machine.live_irps(), machine.live_pool_blocks()), (0, 0));
    }
}

/// It keeps the IRP, and nothing else: neither context nor target nor what is held of it.
#[test]
fn h13_canceller_that_is_kept_keeps_nothing_but_the_irp() {
    #[completion_routine]
    fn shared(irp: Completing<'_, Arc<()>>) -> Signaled<'_> {
        irp.signal_if_pended()
    }

    let machine = Machine::new();
    let context = Arc::new(());
    for when in [When::inline_marked(), When::cancelled()] {
        let disk = disk(&machine, when);
        let references = disk.references();
        let request = read(disk.target(), [0; 8], 0, shared, context.clone());
        let (sent, canceller) = request.send_cancellable(passive()).expect("memory");
        drop(sent);
        assert_eq!((Arc::strong_count(&context), machine.live_irps()), (1, 1));
        assert_eq!(disk.references(), references);
        drop(canceller);
        assert_eq!(machine.live_irps(), 0);
    }
}

#[test]
fn h13_scoped_request_is_cancelled_by_another_thread_of_the_scope() {
    let machine = Machine::new();
    let handle = machine.handle();
    for when in [When::cancelled(), When::cancelled().unmarked()] {
        let disk = disk(&machine, when);
        let mut sector = [0; 8];
        let request = read(disk.target(), &mut sector, 0, count, Count::default());
        let outcome = request.send_scoped_cancellable(passive(), |sent, canceller| {
            thread::scope(|threads| {
                threads.spawn(|| {
                    let _on = handle.enter();
                    thread::sleep(SOON);
                    canceller.cancel();
                });
                let outcome = sent.wait(passive(), Timeout::FOREVER);
                canceller.cancel();
                outcome
            })
        });
        let failed = outcome.expect("sent").expect_err("cancelled");
        assert_eq!(failed.error(), IrpError::Device(STATUS_CANCELLED));
        // The end of the scope has freed the IRP.
        assert_eq!(machine.live_irps(), 0);
        drop(failed);
        sector.fill(1);
    }
}

/// So nobody may hold a lock that the routine takes.
#[test]
fn h47_routine_runs_inside_of_what_sends_cancels_or_drops() {
    type Ran = Arc<Mutex<Option<ThreadId>>>;

    #[completion_routine]
    fn note(irp: Completing<'_, Ran>) -> Signaled<'_> {
        *irp.context().lock().expect("no panic") = Some(thread::current().id());
        irp.signal_if_pended()
    }

    let machine = Machine::new();
    let at = passive();
    let inline = disk(&machine, When::inline());
    let queued = disk(&machine, When::cancelled());
    let ends: [&dyn Fn(Ran); 3] = [
        &|ran| {
            let request = read(inline.target(), [0; 8], 0, note, ran);
            drop(request.send_and_wait(&at, LONG).expect("read"));
        },
        &|ran| {
            let request = read(queued.target(), [0; 8], 0, note, ran.clone());
            let sent = in_flight(request.send_boxed(&at).expect("memory"));
            assert!(ran.lock().expect("no panic").is_none());
            sent.cancel();
            drop(sent.try_complete().expect("completed in the call"));
        },
        &|ran| {
            let request = read(queued.target(), [0; 8], 0, note, ran);
            drop(request.send_boxed(&at).expect("memory"));
        },
    ];
    for end in ends {
        let ran = Ran::default();
        end(ran.clone());
        let ran_on = *ran.lock().expect("no panic");
        assert_eq!(ran_on, Some(thread::current().id()));
    }
}
