//! Requests that are abandoned while their contexts and buffers own other requests, their own
//! handle, or send again ([H40](../../docs/hazards.md#h40)).

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::thread;

use wdm_irp::in_flight::{InFlight, Sent, Storage};
use wdm_irp::irql::PassiveOnly;
use wdm_irp::request::{Request, Transfer};
use wdm_irp::routine::CompletionRoutine;
use wdm_irp::sys::{DISPATCH_LEVEL, STATUS_PENDING, STATUS_SUCCESS};
use wdm_irp::{ByteOffset, Completing, Irp, Signaled, Timeout};
use wdm_irp_sim::{Behavior, DelayPoint, Device, LowerIrp, Machine, When, irql};
use wdm_irp_tests::{
    AnyOutcome, Pair, SOON, Slot, Target, ZERO, allocate, disk, pair, passive, raw, read,
    registered_pair,
};

use super::common::{
    Bytes, EndOfRequest, Own, ROUNDS, Reading, ending, every_journey, read_arc, sends, shared,
};

/// A major function whose arguments are no transfer's: `IRP_MJ_QUERY_INFORMATION`.
const RAW: u8 = 0x05;

/// A number, and what a buffer can own: a handle of any type.
type Value = (u64, Option<Box<dyn Any + Send>>);

/// A raw request whose value is a number with something that it owns.
fn raw_with(
    disk: &Device,
    owned: impl Any + Send,
    context: &Arc<()>,
) -> Request<Target, impl Transfer<Value, Irql = PassiveOnly>, Value, shared> {
    let value: Value = (1, Some(Box::new(owned)));
    raw::request(allocate(disk.target()), RAW, value, |value| &mut value.0)
        .on_completion(shared, context.clone())
}

/// A driver for such requests that holds each back until the test completes it.
fn holds() -> Behavior {
    raw::doubles(|irp, _| {
        irp.mark_pending();
        irp.hold(false);
        STATUS_PENDING
    })
}

/// A buffer that owns the handle of a request whose buffer owns …
#[test]
fn buffers_own_the_handles_of_other_requests() {
    static OUTER: Slot<shared, Value> = Slot::new();

    let machine = Machine::new();
    let at = passive();
    let device = machine.device(holds());
    for inwards in [false, true] {
        let context = Arc::new(());
        let inner = raw_with(&device, (), &context).send_boxed(&at);
        let middle = raw_with(&device, inner.expect("memory"), &context).send_cancellable(&at);
        let (middle, canceller) = middle.expect("memory");
        drop(canceller);
        let outer = raw_with(&device, middle, &context).send_in(&OUTER, &at);
        drop(outer.expect("free"));
        assert_eq!((machine.live_irps(), Arc::strong_count(&context)), (3, 4));
        let mut irps: Vec<LowerIrp> = std::iter::from_fn(|| device.take_next()).collect();
        if inwards {
            irps.reverse();
        }
        for irp in irps {
            irp.complete(STATUS_SUCCESS, 0);
        }
        assert_eq!((machine.live_irps(), Arc::strong_count(&context)), (0, 1));
        assert_eq!(machine.live_pool_blocks(), 0);
    }
}

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("a buffer panics in its drop");
    }
}

/// The drop of a struct goes on with the other fields; so does that of what a request was lent.
#[test]
#[cfg_attr(miri, ignore = "takes minutes: run it with `-- --ignored`")]
fn buffer_that_panics_in_its_drop_loses_no_context() {
    static SLOT: Slot<shared, Value> = Slot::new();

    let machine = Machine::new();
    let at = passive();
    let device = machine.device(raw::doubles(|irp, _| {
        irp.complete_after(SOON, STATUS_SUCCESS, 0)
    }));
    let context = Arc::new(());
    let request = || raw_with(&device, Bomb, &context);
    let attempts: [&dyn Fn(); 5] = [
        &|| {
            let sent = request().send_boxed(&at).expect("memory");
            machine.join_drivers();
            drop(sent);
        },
        &|| {
            let sent = request().send_in(&SLOT, &at).expect("free");
            machine.join_drivers();
            drop(sent);
        },
        &|| {
            let sent = request().send_cancellable(&at).expect("memory");
            machine.join_drivers();
            drop(sent);
        },
        &|| drop(request().send_scoped(&at, |sent| drop(sent))),
        &|| {
            let scoped = request().send_scoped_cancellable(&at, |sent, canceller| {
                canceller.cancel();
                std::mem::forget(sent);
            });
            drop(scoped);
        },
    ];
    for attempt in attempts {
        assert!(catch_unwind(AssertUnwindSafe(attempt)).is_err());
        assert_eq!((machine.live_irps(), Arc::strong_count(&context)), (0, 1));
        assert_eq!(machine.live_pool_blocks(), 0);
    }
}

/// Another thread takes a request's own handle out of its context, and abandons the request while
/// its routine runs.
#[test]
fn request_is_abandoned_by_another_thread_while_its_routine_runs() {
    struct Meanwhile;

    impl CompletionRoutine for Meanwhile {
        type Context = (Arc<Own>, Arc<Barrier>);

        fn complete(irp: Completing<'_, Self::Context>) -> Signaled<'_> {
            let (own, both) = irp.context();
            both.wait();
            both.wait();
            assert_eq!(Arc::strong_count(&own.alive), 2, "the context is alive");
            irp.signal_if_pended()
        }
    }

    static SLOT: Slot<Meanwhile, Bytes> = Slot::new();

    let machine = Machine::new();
    for when in [When::after(SOON), When::after(SOON).unmarked()] {
        let disk = disk(&machine, when);
        for (send, how) in sends().into_iter().zip([0, 1, 2, 3].into_iter().cycle()) {
            let (own, both) = (Arc::new(Own::default()), Arc::new(Barrier::new(2)));
            let alive = own.alive.clone();
            let context = (own.clone(), both.clone());
            let handle = send(
                read(disk.target(), [0; 8], 0, Meanwhile, context),
                &SLOT,
                how,
            );
            *own.handle.lock().expect("no panic") = Some(handle);
            both.wait();
            own.end();
            drop(own);
            both.wait();
            machine.join_drivers();
            assert_eq!((machine.live_irps(), Arc::strong_count(&alive)), (0, 1));
            assert_eq!(machine.live_pool_blocks(), 0);
        }
    }
}

/// A routine that drops its own handle after the signal, when the originator may have everything.
#[test]
fn routine_abandons_its_own_request_before_and_after_the_signal() {
    struct Itself;

    impl CompletionRoutine for Itself {
        type Context = (Arc<Own>, bool);

        fn complete(irp: Completing<'_, Self::Context>) -> Signaled<'_> {
            let (own, after) = irp.context().clone();
            if after {
                let token = irp.signal_if_pended();
                own.end();
                token
            } else {
                own.end();
                irp.signal_if_pended()
            }
        }
    }

    static SLOT: Slot<Itself, Bytes> = Slot::new();

    let machine = Machine::new();
    for when in [When::triggered(), When::triggered().unmarked()] {
        let disk = disk(&machine, when);
        for (after, how) in [(false, 0), (false, 1), (true, 0), (true, 1), (true, 2)] {
            for send in sends() {
                let own = Arc::new(Own::default());
                let alive = own.alive.clone();
                let context = (own.clone(), after);
                let handle = send(read(disk.target(), [0; 8], 0, Itself, context), &SLOT, how);
                *own.handle.lock().expect("no panic") = Some(handle);
                drop(own);
                // The handle of a polled request is dropped at DISPATCH_LEVEL, too.
                let _raised = irql::raise(DISPATCH_LEVEL);
                assert!(disk.complete_next(STATUS_SUCCESS, 8));
                assert_eq!((machine.live_irps(), Arc::strong_count(&alive)), (0, 1));
                assert_eq!(machine.live_pool_blocks(), 0);
            }
        }
    }
}

/// A handle of a request that is abandoned on one thread while the routine comes on another.
#[test]
#[cfg_attr(miri, ignore = "takes minutes: run it with `-- --ignored`")]
fn requests_are_abandoned_while_their_routines_are_delayed_at_every_point() {
    static SLOT: Slot<shared, Bytes> = Slot::new();

    let machine = Machine::new();
    let context = Arc::new(());
    for (round, &point) in DelayPoint::ALL.iter().enumerate() {
        machine.faults().clear();
        machine.faults().delay(point, SOON / 2);
        // Miri takes its time: it has one of all at each point.
        let (journeys, ways) = if cfg!(miri) { (19, 4) } else { (1, 1) };
        let all = every_journey().into_iter().skip(round % journeys);
        for when in all.step_by(journeys) {
            let disk = disk(&machine, when);
            let sends = sends::<shared>().into_iter().enumerate();
            for (number, send) in sends.skip(round % ways).step_by(ways) {
                send(read_arc(&disk, &context), &SLOT, (round + number) % 4)();
                machine.join_drivers();
                assert_eq!((machine.live_irps(), Arc::strong_count(&context)), (0, 1));
                assert_eq!(machine.live_pool_blocks(), 0);
            }
        }
    }
}

/// Each drop sends into the slot that its own request is in, which is refused, then from a box, and
/// leaves the slot to a thread that tries until it is free.
#[test]
fn drop_of_an_abandoned_context_sends_again_everywhere() {
    static SLOT: Slot<Resends, Bytes> = Slot::new();
    static DROPS: AtomicU32 = AtomicU32::new(0);

    struct Resends;

    struct Job {
        left: u32,
        disk: Arc<Target>,
        later: mpsc::Sender<Reading<Resends>>,
    }

    impl CompletionRoutine for Resends {
        type Context = Job;

        fn complete(irp: Completing<'_, Job>) -> Signaled<'_> {
            irp.signal_if_pended()
        }
    }

    impl Drop for Job {
        fn drop(&mut self) {
            DROPS.fetch_add(1, Ordering::SeqCst);
            let Some(left) = self.left.checked_sub(1) else {
                return;
            };
            let at = wdm_irp::irql::DispatchLevel::check().expect("an IRQL of the library");
            let job = || Job {
                left,
                disk: self.disk.clone(),
                later: self.later.clone(),
            };
            let refused = read(&self.disk, [0; 8], 0, Resends, job()).send_in(&SLOT, &at);
            let request = match refused {
                Err(refused) => refused.request,
                Ok(sent) => return drop(sent),
            };
            drop(request.send_boxed(&at));
            let _ = self.later.send(read(&self.disk, [0; 8], 0, Resends, job()));
        }
    }

    let machine = Machine::new();
    for when in [
        When::after(SOON),
        When::cancelled(),
        When::after(SOON).unmarked(),
        When::inline(),
    ] {
        let disk = disk(&machine, when);
        let (later, jobs) = mpsc::channel::<Reading<Resends>>();
        let alive = Arc::new(disk.target().clone());
        let job = Job {
            left: 3,
            disk: alive.clone(),
            later,
        };
        let request = read(&alive, [0; 8], 0, Resends, job);
        drop(request.send_in(&SLOT, passive()).expect("free"));
        for mut request in jobs {
            loop {
                match request.send_in(&SLOT, passive()) {
                    Ok(sent) => break drop(sent),
                    Err(refused) => request = refused.request,
                }
                thread::yield_now();
            }
        }
        machine.join_drivers();
        assert_eq!((machine.live_irps(), Arc::strong_count(&alive)), (0, 1));
    }
    assert!(DROPS.load(Ordering::SeqCst) >= 4);
}

/// Three requests whose routines each drop the handle of the next. One thread completes all of
/// them, and so could wait for none.
#[test]
fn routines_drop_the_handles_that_their_own_thread_has_to_complete() {
    struct Ring;

    impl CompletionRoutine for Ring {
        type Context = (Arc<Own>, Arc<()>);

        fn complete(irp: Completing<'_, Self::Context>) -> Signaled<'_> {
            irp.context().0.end();
            irp.signal_if_pended()
        }
    }

    static SLOT: Slot<Ring, Bytes> = Slot::new();

    let machine = Machine::new();
    for when in [When::triggered(), When::triggered().unmarked()] {
        let disk = disk(&machine, when);
        for first in 0..3 {
            let alive = Arc::new(());
            let handles = [(); 3].map(|()| Arc::new(Own::default()));
            for (number, send) in sends().into_iter().take(3).enumerate() {
                let context = (handles[(number + 1) % 3].clone(), alive.clone());
                let request = read(disk.target(), [0; 8], 0, Ring, context);
                let handle = send(request, &SLOT, (number + first) % 3);
                *handles[number].handle.lock().expect("no panic") = Some(handle);
            }
            drop(handles);
            let _raised = irql::raise(DISPATCH_LEVEL);
            let mut irps: Vec<LowerIrp> = std::iter::from_fn(|| disk.take_next()).collect();
            irps.rotate_left(first);
            for irp in irps {
                irp.complete(STATUS_SUCCESS, 8);
            }
            assert_eq!((machine.live_irps(), Arc::strong_count(&alive)), (0, 1));
            assert_eq!(machine.live_pool_blocks(), 0);
        }
    }
}

/// One slot, used at once after each wait and as soon as it is free after each drop, while routines
/// of earlier rounds are on their way out.
#[test]
#[cfg_attr(miri, ignore = "takes minutes: run it with `-- --ignored`")]
fn static_slot_is_used_at_once_after_waits_and_drops() {
    static SLOT: Slot<shared, Bytes> = Slot::new();

    let machine = Machine::new();
    let context = Arc::new(());
    for point in [
        DelayPoint::AfterSetEvent,
        DelayPoint::AfterRoutine,
        DelayPoint::BeforeCancel,
    ] {
        machine.faults().clear();
        machine.faults().delay(point, SOON);
        let disks = [
            When::after(SOON / 2),
            When::after(SOON / 2).unmarked(),
            When::after(SOON / 2).cancelable(),
            When::cancelled(),
            When::before_return(),
        ]
        .map(|when| disk(&machine, when));
        for round in 0..ROUNDS * 2 {
            let mut request = read_arc(&disks[round % disks.len()], &context);
            let sent = loop {
                match request.send_in(&SLOT, passive()) {
                    Ok(sent) => break sent,
                    Err(refused) => request = refused.request,
                }
                thread::yield_now();
            };
            match (round / disks.len() + round) % 3 {
                0 => drop(sent.wait(passive(), Timeout::milliseconds(5)).completed()),
                1 => drop(sent),
                _ => drop(in_flight_or_done(sent)),
            }
        }
        machine.join_drivers();
        assert_eq!((machine.live_irps(), Arc::strong_count(&context)), (0, 1));
    }
}

fn in_flight_or_done<S: Storage>(sent: Sent<S>) -> Option<InFlight<S>> {
    match sent {
        Sent::Completed(_) => None,
        Sent::InFlight(handle) => handle.wait_for(passive(), ZERO).err(),
    }
}

/// The lower driver itself owns the handles of requests that it has: each new one drops the last.
#[test]
fn lower_driver_drops_the_handles_of_requests_that_it_has() {
    let machine = Machine::new();
    let last = Arc::new(Mutex::new(None::<EndOfRequest>));
    let context = Arc::new(());
    for cancelable in [false, true] {
        let owned = last.clone();
        let driver = machine.device(Behavior::custom(move |irp| {
            let last = owned.lock().expect("no panic").take();
            irp.mark_pending();
            irp.hold(cancelable);
            if let Some(last) = last {
                last();
            }
            STATUS_PENDING
        }));
        for round in 0..6 {
            let sent = read_arc(&driver, &context).send_boxed(passive());
            let ending = ending(sent.expect("memory"), round % 3);
            *last.lock().expect("no panic") = Some(ending);
        }
        last.lock()
            .expect("no panic")
            .take()
            .expect("of the last round")();
        while driver.complete_next(STATUS_SUCCESS, 0) {}
        assert_eq!((machine.live_irps(), Arc::strong_count(&context)), (0, 1));
        assert_eq!(machine.live_pool_blocks(), 0);
    }
}

/// Requests with an own location, abandoned before and while their registered routines run.
#[test]
#[cfg_attr(miri, ignore = "takes minutes: run it with `-- --ignored`")]
fn requests_of_pairs_are_abandoned() {
    static SLOT: wdm_irp::in_flight::Slot<shared, Bytes, Box<Pair>> =
        wdm_irp::in_flight::Slot::new();

    let machine = Machine::new();
    let context = Arc::new(());
    for when in every_journey() {
        let lower = disk(&machine, when);
        let own = machine.own_device_over(&lower);
        let references = (own.references(), lower.references());
        for pair in [pair, registered_pair] {
            let request = || {
                let irp = Irp::allocate(Box::new(pair(&own, &lower))).expect("memory");
                let read = irp.read([0; 8], ByteOffset(0));
                read.on_completion(shared, context.clone())
            };
            drop(request().send_boxed(passive()).expect("memory"));
            drop(request().send_in(&SLOT, passive()).expect("free"));
            drop(request().send_cancellable(passive()).expect("memory"));
            while lower.complete_next(STATUS_SUCCESS, 8) {}
            machine.join_drivers();
            assert_eq!((machine.live_irps(), Arc::strong_count(&context)), (0, 1));
        }
        assert_eq!((own.references(), lower.references()), references);
    }
}
