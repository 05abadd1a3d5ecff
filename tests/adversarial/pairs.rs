//! Pairs of devices that are locked, removed, cloned and dropped at every moment
//! ([H27](../../docs/hazards.md#h27)).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use wdm_irp::in_flight::{BoxedSlot, Canceller, InFlight, Slot};
use wdm_irp::irql::UpToDispatch;
use wdm_irp::lock_storage::InExtension;
use wdm_irp::remove_lock::{RemoveLock, RemoveLockGuard, Tag};
use wdm_irp::request::{Read, Request};
use wdm_irp::sys::{DISPATCH_LEVEL, STATUS_CANCELLED, STATUS_SUCCESS};
use wdm_irp::target::{DevicePair, Target};
use wdm_irp::{ByteOffset, Completing, Irp, IrpError, PassiveLevel, Signaled, completion_routine};
use wdm_irp_sim::{Behavior, DelayPoint, Device, Machine, When, irql};
use wdm_irp_tests::targets::{at_dispatch_level, locked, stays_loaded};
use wdm_irp_tests::{
    AnyOutcome, Extension, LONG, Removable, SOON, ZERO, disk, done, in_flight, passive,
};

use super::common::{ROUNDS, journeys};

type Locked = DevicePair<InExtension<RemoveLock>, UpToDispatch>;
type Reading = Request<Locked, Read, [u8; 8], done>;
type Static = Slot<done, [u8; 8], Locked>;

/// A pair of a new device of the driver and a device below, which registers every routine.
fn pair(machine: &Machine, lower: &Device, locks: &'static Extension) -> Locked {
    let own = machine.own_device_over(lower);
    at_dispatch_level(locked(&own, lower, &locks.remove_lock).expect("not too deep"))
}

fn locks(machine: &Machine) -> &'static Extension {
    Removable::new(machine).into_static()
}

fn remove(locks: &Extension) {
    let held = locks.remove_lock.acquire(Tag::new(0)).expect("present");
    held.release_and_wait(passive()).expect("the only wait");
}

fn request(pair: &Locked) -> Reading {
    let irp = Irp::allocate(pair.clone()).expect("memory");
    irp.read([0; 8], ByteOffset(0)).on_completion(done, ())
}

/// Every end of every send: none may keep the lock.
#[test]
#[cfg_attr(miri, ignore = "takes minutes: run it with `-- --ignored`")]
fn removal_follows_every_end_of_every_send() {
    static SLOT: Static = Slot::new();

    let machine = Machine::new();
    let ends: [fn(Reading, &PassiveLevel); 10] = [
        |request, at| drop(request.send_and_wait(at, ZERO)),
        |request, at| drop(request.send_boxed(at)),
        |request, at| drop(request.send_boxed(at).map(|sent| sent.wait(at, ZERO))),
        |request, at| drop(request.send_in(&SLOT, at).map(|sent| sent.wait(at, ZERO))),
        |request, at| drop(request.send_cancellable(at)),
        |request, at| {
            let (sent, canceller) = request.send_cancellable(at).expect("sent");
            canceller.cancel();
            drop(canceller);
            drop(sent.wait(at, ZERO));
        },
        |request, at| drop(request.send_scoped(at, |sent| drop(sent))),
        |request, at| {
            let scoped = request.send_scoped(at, |sent| match sent {
                // Only what is in flight is the scope's: an outcome that is leaked is leaked.
                wdm_irp::in_flight::Sent::InFlight(handle) => std::mem::forget(handle),
                wdm_irp::in_flight::Sent::Completed(outcome) => drop(outcome),
            });
            scoped.expect("sent");
        },
        |request, at| {
            let scoped = request.send_scoped_cancellable(at, |sent, canceller| {
                canceller.cancel();
                drop(sent);
                canceller.cancel();
            });
            scoped.expect("sent");
        },
        |request, at| {
            // A panic while the request is in flight.
            let panicked = catch_unwind(AssertUnwindSafe(|| {
                request.send_scoped(at, |_sent| std::panic::resume_unwind(Box::new(())))
            }));
            assert!(panicked.is_err());
        },
    ];
    for when in journeys() {
        let lower = disk(&machine, when);
        for (number, end) in ends.iter().enumerate() {
            if cfg!(miri) && number % 3 != 0 {
                continue;
            }
            let locks = locks(&machine);
            end(request(&pair(&machine, &lower, locks)), &passive());
            remove(locks);
            machine.join_drivers();
            assert_eq!((machine.live_irps(), machine.live_pool_blocks()), (0, 0));
            assert_eq!(
                (lower.references(), lower.pending()),
                (0, 0),
                "{number} {when:?}"
            );
        }
    }
}

/// Threads that send all the time. No request reaches the driver below once the removal is over.
#[test]
#[cfg_attr(miri, ignore = "takes minutes: run it with `-- --ignored`")]
fn sends_race_with_the_removal() {
    static BELOW: AtomicU32 = AtomicU32::new(0);

    let machine = Machine::new();
    for delay in [
        None,
        Some(DelayPoint::AfterSetEvent),
        Some(DelayPoint::BeforeDispatch),
    ]
    .into_iter()
    .take(if cfg!(miri) { 1 } else { 3 })
    {
        if let Some(point) = delay {
            machine.faults().delay(point, SOON);
        }
        for when in [
            When::inline(),
            When::after(SOON),
            When::cancelled(),
            When::after(SOON).unmarked(),
        ] {
            let lower = machine.device(
                Behavior::respond(|irp| {
                    BELOW.fetch_add(1, Ordering::SeqCst);
                    (STATUS_SUCCESS, irp.write_output(&irp.read_pattern()))
                })
                .when(when),
            );
            let locks = locks(&machine);
            let pair = pair(&machine, &lower, locks);
            let senders = [0, 1].map(|sender| {
                let pair = pair.clone();
                machine.spawn(move || {
                    let at = passive();
                    loop {
                        let sent = match sender {
                            0 => request(&pair).send_boxed(&at).map(drop),
                            _ => request(&pair).send_scoped(&at, |sent| drop(sent.wait(&at, ZERO))),
                        };
                        if let Err(not_sent) = sent {
                            assert_eq!(not_sent.error, IrpError::DeletePending);
                            // What is given back is whole, and refused again.
                            let again = not_sent.request.send_boxed(&at).expect_err("removed");
                            return again.request;
                        }
                    }
                })
            });
            thread::sleep(SOON);
            remove(locks);
            let before = (
                BELOW.load(Ordering::SeqCst),
                lower.received().len(),
                lower.pending(),
            );
            assert_eq!(before.2, 0, "{when:?}");
            let requests = senders.map(|sender| sender.join().expect("no panic"));
            let after = (
                BELOW.load(Ordering::SeqCst),
                lower.received().len(),
                lower.pending(),
            );
            assert_eq!(before, after, "{when:?}");
            drop((requests, pair));
        }
    }
}

/// A handle that nobody asks keeps the device, though its request is completed: the library's
/// promise ends with the outcome. Dropping it is enough, on any thread, at `DISPATCH_LEVEL`.
#[test]
fn handle_of_a_completed_request_is_dropped_by_another_thread() {
    let machine = Machine::new();
    for when in [When::after(SOON), When::triggered(), When::before_return()] {
        let lower = disk(&machine, when);
        let locks = locks(&machine);
        let sent = request(&pair(&machine, &lower, locks)).send_boxed(passive());
        let _ = lower.complete_next(STATUS_SUCCESS, 8);
        machine.join_drivers();
        let removal = machine.spawn(|| remove(locks));
        thread::sleep(SOON);
        assert!(!removal.is_finished(), "the outcome was not taken");
        let dropper = machine.spawn(move || {
            let _raised = irql::raise(DISPATCH_LEVEL);
            drop(sent);
        });
        dropper.join().expect("no panic");
        removal.join().expect("no panic");
        assert_eq!(lower.references(), 0);
    }
}

/// Cancellers that outlive handle, removal, own device and pair.
#[test]
fn cancellers_outlive_the_device() {
    let machine = Machine::new();
    for when in journeys() {
        let lower = disk(&machine, when);
        let locks = locks(&machine);
        let own = machine.own_device_over(&lower);
        let pair = at_dispatch_level(locked(&own, &lower, &locks.remove_lock).expect("shallow"));
        let cancellers: [Canceller; 3] = [0, 1, 2].map(|end| {
            let (sent, canceller) = request(&pair).send_cancellable(passive()).expect("sent");
            match end {
                0 => drop(sent),
                1 => drop(sent.wait(passive(), ZERO)),
                _ => drop(sent.wait(passive(), wdm_irp::Timeout::milliseconds(1))),
            }
            canceller
        });
        drop(pair);
        remove(locks);
        own.delete();
        machine.join_drivers();
        assert_eq!((own.references(), lower.references()), (0, 0));
        let threads = cancellers.map(|canceller| {
            machine.spawn(move || {
                canceller.cancel();
                drop(canceller);
            })
        });
        for thread in threads {
            thread.join().expect("no panic");
        }
        assert_eq!((machine.live_irps(), machine.live_pool_blocks()), (0, 0));
    }
}

/// The lock is taken by hand, through what the library uses itself: a guard like any other.
#[test]
fn lock_of_a_pair_is_held_by_hand() {
    let machine = Machine::new();
    let lower = disk(&machine, When::inline());
    let locks = locks(&machine);
    let pair = pair(&machine, &lower, locks);
    let by_hand: RemoveLockGuard<'static> = pair.hold(std::ptr::null()).expect("present");
    let again = Box::new(&pair).hold(std::ptr::null()).expect("present");
    assert_eq!(by_hand.tag(), again.tag());
    drop(request(&pair).send_and_wait(passive(), LONG).expect("read"));
    drop((pair, again));
    by_hand.release_and_wait(passive()).expect("the only wait");
}

/// A routine sends, cancels, drops and locks with the pair that it runs for, at `DISPATCH_LEVEL`,
/// before and after the removal has begun.
#[test]
fn routine_uses_the_pair_that_it_runs_for() {
    type Own = (
        Option<Locked>,
        Vec<Result<InFlight<BoxedSlot<done, [u8; 8], Locked>>, IrpError>>,
    );

    #[completion_routine]
    fn uses(mut irp: Completing<'_, Own>) -> Signaled<'_> {
        let at = irp.irql();
        let (pair, sent) = irp.context_mut();
        let pair = pair.take().expect("put there");
        for _ in 0..2 {
            let next = request(&pair.clone()).send_boxed(&at);
            sent.push(next.map(in_flight).map_err(|not_sent| not_sent.error));
        }
        drop(pair);
        drop(sent.pop());
        irp.signal_if_pended()
    }

    let machine = Machine::new();
    let lower = disk(&machine, When::triggered().cancelable());
    let at = passive();
    for removed in [false, true] {
        let locks = locks(&machine);
        let pair = pair(&machine, &lower, locks);
        let irp = Irp::allocate(pair.clone()).expect("memory");
        let first = irp
            .read([0; 8], ByteOffset(0))
            .on_completion(uses, (Some(pair), Vec::new()));
        let first = in_flight(first.send_boxed(&at).expect("sent"));
        let removal = machine.spawn(move || {
            if removed {
                remove(locks);
            }
        });
        while removed && locks.remove_lock.acquire(Tag::new(1)).is_ok() {
            thread::yield_now();
        }
        {
            let _raised = irql::raise(DISPATCH_LEVEL);
            assert!(lower.complete_next(STATUS_SUCCESS, 8));
        }
        let ((_, (_, mut sent)), count) = (
            first.wait(&at, LONG).expect("read").into_parts(),
            lower.pending(),
        );
        assert_eq!(count, usize::from(!removed));
        match sent.pop().expect("one was popped") {
            Ok(in_flight) => {
                in_flight.cancel();
                assert_eq!(
                    in_flight.wait(&at, LONG).completed().status(),
                    STATUS_CANCELLED
                );
            }
            Err(error) => assert_eq!(error, IrpError::DeletePending),
        }
        removal.join().expect("no panic");
        if !removed {
            remove(locks);
        }
    }
}

/// The context owns the handle of another request to the pair, and a canceller of its own.
#[test]
fn context_owns_requests_to_the_pair_and_its_own_canceller() {
    type Own = Mutex<(
        Option<Canceller>,
        Option<InFlight<BoxedSlot<done, [u8; 8], Locked>>>,
    )>;

    #[completion_routine]
    fn owns(irp: Completing<'_, std::sync::Arc<Own>>) -> Signaled<'_> {
        let (canceller, other) = {
            let mut own = irp.context().lock().expect("no panic");
            (own.0.take(), own.1.take())
        };
        if let Some(canceller) = &canceller {
            canceller.cancel();
        }
        drop((other, canceller));
        irp.signal_if_pended()
    }

    let machine = Machine::new();
    let at = passive();
    for when in [
        When::triggered(),
        When::triggered().unmarked(),
        When::triggered().cancelable(),
    ] {
        for abandoned in [false, true] {
            let lower = disk(&machine, when);
            let locks = locks(&machine);
            let pair = pair(&machine, &lower, locks);
            let other = in_flight(request(&pair).send_boxed(&at).expect("sent"));
            let of_other = lower.take_next().expect("in flight");
            let own = std::sync::Arc::new(Mutex::new((None, Some(other))));
            let irp = Irp::allocate(pair).expect("memory");
            let request = irp
                .read([0; 8], ByteOffset(0))
                .on_completion(owns, own.clone());
            let (sent, canceller) = request.send_cancellable(&at).expect("sent");
            own.lock().expect("no panic").0 = Some(canceller);
            drop(own);
            let waited_for = if abandoned {
                drop(sent);
                None
            } else {
                Some(sent)
            };
            {
                let _raised = irql::raise(DISPATCH_LEVEL);
                let _ = lower.complete_next(STATUS_SUCCESS, 8);
                of_other.complete(STATUS_SUCCESS, 8);
            }
            drop(waited_for.map(|sent| sent.wait(&at, LONG)));
            remove(locks);
            machine.join_drivers();
            assert_eq!((machine.live_irps(), machine.live_pool_blocks()), (0, 0));
            assert_eq!(lower.references(), 0);
        }
    }
}

/// The own device is deleted by the routine, or while an IRP is idle; whoever has a pair has the
/// device.
#[test]
fn own_device_is_deleted_while_pairs_are_left() {
    #[completion_routine]
    fn deletes(mut irp: Completing<'_, Option<Device>>) -> Signaled<'_> {
        if let Some(own) = irp.context_mut().take() {
            own.delete();
        }
        irp.signal_if_pended()
    }

    let machine = Machine::new();
    let at = passive();
    for when in [
        When::inline(),
        When::triggered(),
        When::triggered().unmarked(),
    ] {
        let lower = disk(&machine, when);
        let locks = locks(&machine);
        let own = machine.own_device_over(&lower);
        let pair = locked(&own, &lower, &locks.remove_lock).expect("shallow");
        let irp = Irp::allocate(pair)
            .expect("memory")
            .read([0; 8], ByteOffset(0));
        let request = irp.on_completion(deletes, Some(own.clone()));
        drop(request.send_boxed(&at).expect("sent"));
        let _ = lower.complete_next(STATUS_SUCCESS, 8);
        assert_eq!((own.references(), lower.references()), (0, 0));

        let lower = disk(&machine, When::inline());
        let own = machine.own_device_over(&lower);
        let pair = stays_loaded(locked(&own, &lower, &locks.remove_lock).expect("shallow"));
        let idle = Irp::allocate(pair)
            .expect("memory")
            .flush()
            .send_and_wait(&at, LONG);
        remove(locks);
        own.delete();
        lower.delete();
        let (irp, (), ()) = idle.expect("flushed").reuse();
        let refused = irp.flush().send_boxed(&at).expect_err("removed");
        assert_eq!(refused.error, IrpError::DeletePending);
        drop(refused);
        assert_eq!((own.references(), lower.references()), (0, 0));
    }
}

/// Registrations that fail in the middle of a reuse, with a lock that is being removed, in every
/// way to send, again and again.
#[test]
fn registrations_fail_at_random_moments() {
    static SLOT: Static = Slot::new();

    let machine = Machine::new();
    let at = passive();
    let lower = machine.device_with(
        wdm_irp_sim::DeviceOptions::new("direct").direct(),
        Behavior::transfer().when(When::before_return()),
    );
    let locks = locks(&machine);
    let pair = pair(&machine, &lower, locks);
    let mut irp = Irp::allocate(pair).expect("memory");
    for round in 0..ROUNDS {
        let mut waiting = irp.read([0; 8], ByteOffset(0)).on_completion(done, ());
        for _ in 0..round % 4 {
            machine.fail_next_registration();
            waiting = match waiting.send_in(&SLOT, &at) {
                Err(not_sent) => not_sent.request,
                Ok(_) => panic!("it must fail"),
            };
            machine.fail_next_mdl_allocation();
            let not_sent = waiting.send_boxed(&at).expect_err("no memory");
            assert_eq!(not_sent.error, IrpError::MdlAllocation);
            waiting = not_sent.request;
        }
        let sent = waiting.send_in(&SLOT, &at).expect("free");
        let completed = sent.wait(&at, LONG).expect("read");
        assert_eq!(*completed.buffer(), [0, 1, 2, 3, 4, 5, 6, 7]);
        irp = completed.reuse().0;
    }
    machine.fail_next_registration();
    let last = irp.read([0; 8], ByteOffset(0)).send_boxed(&at);
    remove(locks);
    drop(last);
    assert_eq!((machine.live_mdls(), machine.live_pool_blocks()), (0, 0));
}

/// Two devices of the driver share a lock; another pair has a pair's own device below it.
#[test]
fn pairs_share_a_lock_and_a_stack() {
    let machine = Machine::new();
    let at = passive();
    let lower = disk(&machine, When::triggered());
    let middle = machine.filter_over(&lower);
    let locks = locks(&machine);
    let pairs = [
        pair(&machine, &lower, locks),
        pair(&machine, &middle, locks),
    ];
    let [one, two] = pairs.map(|pair| in_flight(request(&pair).send_boxed(&at).expect("sent")));
    let removal = machine.spawn(|| remove(locks));
    assert!(lower.complete_next(STATUS_SUCCESS, 8));
    assert!(lower.complete_next(STATUS_SUCCESS, 8));
    drop(two);
    thread::sleep(SOON);
    assert!(!removal.is_finished());
    drop(one.wait(&at, LONG).expect("read"));
    removal.join().expect("no panic");
}
