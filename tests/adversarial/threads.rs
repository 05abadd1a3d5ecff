//! Threads that race for a request, a handle, or a slot.

use std::cell::Cell;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use wdm_irp::in_flight::{InFlight, Sent};
use wdm_irp::sys::{STATUS_CANCELLED, STATUS_SUCCESS};
use wdm_irp::{Completing, IrpError, Signaled, Timeout, completion_routine};
use wdm_irp_sim::{Machine, When};
use wdm_irp_tests::{
    AnyOutcome, BoxedSlot, Completed, Count, LONG, SOON, Slot, ZERO, count, disk, done, in_flight,
    passive, read,
};

use super::common::{Bytes, ROUNDS, check, read_arc};

/// A context that is Send but not Sync, under a handle that is both.
#[completion_routine]
fn in_a_cell(irp: Completing<'_, Cell<u32>>) -> Signaled<'_> {
    for _ in 0..10 {
        irp.context().set(irp.context().get() + 1);
        thread::yield_now();
    }
    irp.signal_if_pended()
}

#[test]
fn many_threads_cancel_and_print_a_request_whose_routine_writes_to_a_cell() {
    static SLOT: Slot<in_a_cell, Bytes> = Slot::new();

    let machine = Machine::new();
    let at = passive();
    let handle = machine.handle();
    for when in [
        When::triggered(),
        When::triggered().unmarked(),
        When::triggered().cancelable(),
        When::triggered().cancelable().unmarked(),
    ] {
        let disk = disk(&machine, when);
        for _ in 0..ROUNDS {
            let request = read(disk.target(), [0; 8], 0, in_a_cell, Cell::new(0));
            let sent = in_flight(request.send_in(&SLOT, &at).expect("free"));
            thread::scope(|scope| {
                for _ in 0..3 {
                    scope.spawn(|| {
                        let _on = handle.enter();
                        for _ in 0..3 {
                            sent.cancel();
                            assert!(format!("{sent:?}{SLOT:?}").contains("true"));
                        }
                    });
                }
                scope.spawn(|| {
                    let _on = handle.enter();
                    disk.complete_next(STATUS_SUCCESS, 8);
                });
            });
            let completed = sent.wait(&at, LONG).completed();
            assert!([STATUS_SUCCESS, STATUS_CANCELLED].contains(&completed.status()));
            assert_eq!(completed.context().get(), 10);
        }
    }
}

/// Threads that end before the scope does wait for its request, lose its handle, or panic with it.
#[test]
fn scoped_request_is_waited_for_forgotten_and_unwound_by_other_threads() {
    let machine = Machine::new();
    let at = passive();
    let handle = machine.handle();
    for when in [When::after(SOON), When::cancelled().unmarked()] {
        let disk = disk(&machine, when);
        for how in 0..3 {
            let mut buffer = [0; 8];
            let request = read(disk.target(), &mut buffer, 0, count, Count::default());
            let ended = request.send_scoped(&at, |sent| {
                thread::scope(|scope| {
                    let thread = scope.spawn(|| {
                        let _on = handle.enter();
                        let sent = sent;
                        match how {
                            0 => drop(sent.wait(passive(), Timeout::milliseconds(20))),
                            1 => std::mem::forget(sent),
                            _ => panic!("a thread panics with the handle"),
                        }
                    });
                    thread.join().is_ok()
                })
            });
            assert_eq!(ended.expect("sent"), how != 2);
            buffer.fill(0);
            assert_eq!(machine.live_irps(), 0);
        }
    }
}

#[test]
fn threads_race_for_one_static_slot() {
    static SLOT: Slot<count, Bytes> = Slot::new();

    let machine = Machine::new();
    let handle = machine.handle();
    let (inline, slow) = (
        disk(&machine, When::inline()),
        disk(&machine, When::before_return().unmarked()),
    );
    thread::scope(|scope| {
        for offset in 0..3_u8 {
            let (handle, inline, slow) = (&handle, &inline, &slow);
            scope.spawn(move || {
                let _on = handle.enter();
                let at = passive();
                let target = if offset == 0 { slow } else { inline }.target();
                let mut request = read(target, [0; 8], offset.into(), count, Count::default());
                for _ in 0..ROUNDS {
                    loop {
                        match request.send_in(&SLOT, &at) {
                            Ok(sent) => {
                                let completed = sent.wait(&at, LONG).expect("read");
                                assert_eq!(completed.buffer()[0], offset);
                                assert_eq!(completed.context().get(), 1);
                                break;
                            }
                            Err(not_sent) => request = not_sent.request,
                        }
                        thread::sleep(Duration::from_micros(50));
                    }
                    request = read(target, [0; 8], offset.into(), count, Count::default());
                }
            });
        }
    });
}

/// A thread polls and never waits, while the routine decides whether to signal.
#[test]
fn polling_thread_races_with_a_routine_that_need_not_signal() {
    static SLOT: Slot<count, Bytes> = Slot::new();

    let machine = Machine::new();
    let at = passive();
    let handle = machine.handle();
    let disk = disk(&machine, When::triggered().unmarked());
    for _ in 0..ROUNDS {
        let request = read(disk.target(), [0; 8], 0, count, Count::default());
        let sent = request.send_in(&SLOT, &at).expect("free");
        thread::scope(|scope| {
            scope.spawn(|| {
                let _on = handle.enter();
                disk.complete_next(STATUS_SUCCESS, 8);
            });
            let mut handle = in_flight(sent);
            while let Err(in_flight) = handle.try_complete() {
                handle = in_flight;
                thread::yield_now();
            }
        });
    }
}

#[test]
fn handles_travel_through_channels_between_threads_that_send_wait_and_drop() {
    static SLOT: Slot<count, Bytes> = Slot::new();

    let machine = Machine::new();
    let disk = disk(&machine, When::after(SOON).cancelable());
    let (boxed_out, boxed) = mpsc::channel::<Sent<BoxedSlot<count, Bytes>>>();
    let (in_static_out, in_static) = mpsc::channel::<InFlight<&'static Slot<count, Bytes>>>();
    let (completed_out, completed) = mpsc::channel::<Completed<count, Bytes>>();
    let waiter = machine.spawn(move || {
        for sent in boxed {
            let _ = completed_out.send(sent.wait(passive(), LONG).expect("read"));
        }
    });
    let dropper = machine.spawn(move || in_static.into_iter().for_each(drop));
    let target = disk.target().clone();
    let sender = machine.spawn(move || {
        let at = passive();
        for _ in 0..ROUNDS {
            let request = || read(&target, [0; 8], 1, count, Count::default());
            let sent = request().send_boxed(&at).expect("sent");
            boxed_out.send(sent).expect("a waiter");
            if let Ok(Sent::InFlight(sent)) = request().send_in(&SLOT, &at) {
                in_static_out.send(sent).expect("a dropper");
            }
        }
    });
    let completed: Vec<_> = completed.iter().collect();
    assert_eq!(completed.len(), ROUNDS);
    assert!(completed.iter().all(|read| read.buffer()[7] == 8));
    for thread in [waiter, dropper, sender] {
        thread.join().expect("no panic");
    }
}

#[test]
fn threads_fight_for_one_static_slot() {
    static SLOT: Slot<count, [u8; 8]> = Slot::new();

    let machine = Machine::new();
    machine.record_timeline(false);
    let (threads, rounds) = if cfg!(miri) { (2, 3) } else { (4, 40) };
    let disks = [
        disk(&machine, When::inline()),
        disk(&machine, When::after(Duration::ZERO)),
        disk(&machine, When::before_return().unmarked()),
    ];
    thread::scope(|scope| {
        for thread in 0..threads {
            let (handle, disks) = (machine.handle(), &disks);
            scope.spawn(move || {
                let _on = handle.enter();
                for round in 0..rounds {
                    let offset = u8::try_from(thread * 64 + round).expect("small");
                    let disk = &disks[usize::from(offset) % disks.len()];
                    let mut request = read(
                        disk.target(),
                        [0; 8],
                        offset.into(),
                        count,
                        Count::default(),
                    );
                    let sent = loop {
                        match request.send_in(&SLOT, passive()) {
                            Ok(sent) => break sent,
                            Err(refused) => {
                                assert_eq!(refused.error, IrpError::SlotInUse);
                                request = refused.request;
                                thread::yield_now();
                            }
                        }
                    };
                    let completed = sent.wait(passive(), LONG).expect("read");
                    check(&completed);
                    assert_eq!(completed.buffer()[0], offset, "another thread's request");
                }
            });
        }
    });
}

#[test]
fn cancel_storm_while_the_last_owner_drops_the_handle() {
    let machine = Machine::new();
    machine.record_timeline(false);
    let contexts = Arc::new(());
    for round in 0..if cfg!(miri) { 3 } else { 60 } {
        let when = When::after(Duration::from_micros(round * 13 % 250)).cancelable();
        let when = if round % 2 == 0 {
            when
        } else {
            when.unmarked()
        };
        let disk = disk(&machine, when);
        let sent = read_arc(&disk, &contexts).send_boxed(passive());
        let Sent::InFlight(handle) = sent.expect("memory") else {
            continue;
        };
        let handle = Arc::new(handle);
        let threads: Vec<_> = (0..3)
            .map(|_| {
                let handle = handle.clone();
                machine.spawn(move || {
                    for _ in 0..4 {
                        handle.cancel();
                    }
                    // Whoever comes last abandons the request.
                    drop(handle);
                })
            })
            .collect();
        drop(handle);
        for thread in threads {
            thread.join().expect("no panic");
        }
        machine.join_drivers();
        assert_eq!((machine.live_irps(), Arc::strong_count(&contexts)), (0, 1));
    }
}

#[test]
fn scoped_handle_is_settled_by_another_thread_that_nobody_joins() {
    let machine = Machine::new();
    let disk = disk(&machine, When::after(SOON).unmarked());
    let mut block = [0; 8];
    let request = read(disk.target(), &mut block, 5, done, ());
    let handle = machine.handle();
    request
        .send_scoped(passive(), |sent| {
            thread::scope(|threads| {
                drop(threads.spawn(move || {
                    let _on = handle.enter();
                    sent.wait(passive(), ZERO).completed().status()
                }));
            });
        })
        .expect("sent");
    assert_eq!(block, [5, 6, 7, 8, 9, 10, 11, 12]);
}
