//! Targets that are owned, borrowed, cloned, shared and dropped at every moment.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use wdm_irp::in_flight::{InFlight, Sent, Slot, Storage};
use wdm_irp::irql::{DispatchLevel, MayReach, UpToDispatch};
use wdm_irp::request::{Read, Request};
use wdm_irp::sys::{DISPATCH_LEVEL, DO_BUFFERED_IO, DO_DIRECT_IO, STATUS_SUCCESS};
use wdm_irp::target::{OpenedDevice, OwnedTarget, Target, device_name};
use wdm_irp::{
    ByteOffset, Completing, Irp, PassiveLevel, Signaled, TargetDevice, completion_routine,
};
use wdm_irp_sim::{Behavior, Device, DeviceOptions, Machine, When, irql};
use wdm_irp_tests::targets::{attached, change_flags, open, opened_at_dispatch_level, target};
use wdm_irp_tests::{
    AnyOutcome, LONG, SOON, Target as Vouched, ZERO, allocate, disk, done, in_flight, passive, read,
};

use super::common::{ROUNDS, journeys};

const NAME: [u16; 13] = device_name(b"\\Device\\Disk0");

fn named(machine: &Machine, when: When) -> Device {
    let options = DeviceOptions::new("named").object_name("\\Device\\Disk0");
    machine.device_with(options.wants_file_object(), Behavior::transfer().when(when))
}

fn reading<T: Target>(target: T) -> Request<T, Read, [u8; 8], done> {
    let irp = Irp::allocate(target).expect("memory");
    irp.read([0; 8], ByteOffset(0)).on_completion(done, ())
}

/// Sends to a target of any type, in each way that takes a borrowed one, and uses the IRP again.
fn borrowed<T: Target>(at: &PassiveLevel, target: T)
where
    for<'p> &'p PassiveLevel: MayReach<T::Irql>,
{
    let completed = reading(target).send_and_wait(at, LONG);
    let (irp, ..) = completed.expect("read").reuse();
    let request = irp.read([0; 8], ByteOffset(0)).on_completion(done, ());
    let completed = request.send_scoped(at, |sent| sent.wait(at, LONG));
    let (irp, ..) = completed.expect("sent").expect("read").reuse();
    drop(
        irp.read([0; 8], ByteOffset(0))
            .send_scoped(at, |sent| drop(sent)),
    );
}

/// Sends to a target of any type, in each way that takes an owned one, and uses the IRP again.
fn owned<T: OwnedTarget + Clone>(at: &PassiveLevel, target: T)
where
    for<'p> &'p PassiveLevel: MayReach<T::Irql>,
{
    borrowed(at, &target);
    borrowed(at, target.clone());
    let completed = reading(target.clone())
        .send_boxed(at)
        .expect("sent")
        .wait(at, LONG);
    let (irp, ..) = completed.expect("read").reuse();
    let again = irp
        .read([0; 8], ByteOffset(0))
        .send_boxed(at)
        .expect("sent");
    drop(again);
    let (sent, canceller) = reading(target).send_cancellable(at).expect("sent");
    drop(sent.wait(at, LONG));
    canceller.cancel();
}

#[test]
#[cfg_attr(miri, ignore = "takes minutes: run it with `-- --ignored`")]
fn targets_in_pointers_of_every_kind() {
    let machine = Machine::new();
    let at = passive();
    for when in [
        When::inline(),
        When::after(SOON),
        When::before_return().unmarked(),
    ] {
        let device = named(&machine, when);
        let plain = || target(&device).expect("shallow");
        let opened = open(&NAME).expect("it exists");
        owned(&at, plain());
        owned(&at, Arc::new(plain()));
        owned(&at, Box::new(Arc::new(plain())).as_ref().clone());
        owned(&at, Arc::new(Box::new(Arc::new(plain()))));
        owned(&at, opened.clone());
        owned(&at, Arc::new(Box::new(opened.clone())));
        borrowed(&at, Box::new(plain()));
        borrowed(&at, &&&Box::new(&plain()));
        borrowed(&at, Arc::new(&opened));
        drop(opened);
        machine.join_drivers();
        assert_eq!((device.references(), machine.live_irps()), (0, 0));
        device.delete();
    }
    let violations = machine.take_violations();
    // Plain targets have no file object, which this device wants.
    let kinds = violations.iter().map(|violation| violation.kind);
    assert!(
        kinds
            .clone()
            .all(|kind| kind == wdm_irp_sim::ViolationKind::FileObjectMissing)
    );
}

/// The only reference goes with the request: whoever drops it closes the file and the device.
#[test]
#[cfg_attr(miri, ignore = "takes minutes: run it with `-- --ignored`")]
fn last_reference_is_dropped_at_every_moment() {
    static SLOT: Slot<done, [u8; 8], OpenedDevice<UpToDispatch>> = Slot::new();

    let machine = Machine::new();
    let at = passive();
    let open = || opened_at_dispatch_level(open(&NAME).expect("it exists"));
    let moments: [fn(OpenedDevice<UpToDispatch>, &PassiveLevel); 9] = [
        |opened, _| drop(opened),
        |opened, _| drop(Irp::allocate(opened)),
        |opened, _| drop(reading(opened)),
        |opened, at| drop(reading(opened).send_boxed(at)),
        |opened, at| drop(reading(opened).send_in(&SLOT, at)),
        |opened, at| drop(reading(opened).send_cancellable(at)),
        |opened, at| drop(reading(opened).send_and_wait(at, ZERO)),
        |opened, at| drop(reading(opened).send_scoped(at, |sent| drop(sent))),
        |opened, at| {
            let completed = reading(opened).send_boxed(at).expect("sent").wait(at, ZERO);
            drop(completed.completed().reuse());
        },
    ];
    for when in journeys() {
        for moment in moments {
            let device = named(&machine, when);
            let opened = open();
            device.delete();
            moment(opened, &at);
            machine.join_drivers();
            assert_eq!((device.references(), machine.live_irps()), (0, 0));
        }
    }
}

/// The routine drops, on another thread at `DISPATCH_LEVEL`, all that a driver can have.
#[test]
fn routine_drops_everything_at_dispatch_level() {
    type All = Vec<Box<dyn std::any::Any + Send>>;

    #[completion_routine]
    fn drops(mut irp: Completing<'_, All>) -> Signaled<'_> {
        irp.context_mut().clear();
        irp.signal_if_pended()
    }

    let machine = Machine::new();
    let at = passive();
    let (fast, stuck) = (
        disk(&machine, When::inline()),
        disk(&machine, When::cancelled()),
    );
    let device = named(&machine, When::triggered());
    for abandon in [false, true] {
        let opened = || opened_at_dispatch_level(open(&NAME).expect("it exists"));
        let to_stuck = || read(stuck.target(), [0; 8], 0, done, ());
        let (sent, canceller) = to_stuck().send_cancellable(&at).expect("sent");
        let (_, of_nobody) = to_stuck().send_cancellable(&at).expect("sent");
        let all: All = vec![
            Box::new(opened()),
            Box::new(Arc::new(Box::new(opened()))),
            Box::new(Irp::allocate(opened())),
            Box::new(reading(opened())),
            Box::new(read(fast.target(), [0; 8], 0, done, ()).send_and_wait(&at, LONG)),
            Box::new(to_stuck().send_and_wait(&at, ZERO)),
            Box::new(to_stuck().send_boxed(&at)),
            Box::new((canceller, sent)),
            Box::new(of_nobody),
            Box::new(target(&fast)),
        ];
        let irp = Irp::allocate(opened())
            .expect("memory")
            .read([0; 8], ByteOffset(0));
        let sent = irp.on_completion(drops, all).send_boxed(&at).expect("sent");
        let waited_for = (!abandon).then_some(sent);
        {
            let _raised = irql::raise(DISPATCH_LEVEL);
            assert!(device.complete_next(STATUS_SUCCESS, 8));
            drop(waited_for);
        }
        assert_eq!((device.references(), fast.references()), (0, 0));
        assert_eq!((machine.live_irps(), machine.live_pool_blocks()), (0, 0));
    }
}

/// Many threads clone, send to and drop one target.
#[test]
fn target_is_shared_by_many_threads() {
    let machine = Machine::new();
    let device = disk(&machine, When::before_return());
    let shared = Arc::new(target(&device).expect("shallow"));
    let threads = [0, 1, 2].map(|number| {
        let shared = shared.clone();
        machine.spawn(move || {
            let at = passive();
            for _ in 0..ROUNDS {
                match number {
                    0 => drop(reading(TargetDevice::clone(&shared)).send_boxed(&at)),
                    1 => drop(reading(&shared).send_and_wait(&at, LONG).expect("read")),
                    _ => drop(
                        reading(shared.clone())
                            .send_boxed(&at)
                            .map(|sent| sent.wait(&at, LONG)),
                    ),
                }
            }
        })
    });
    drop(shared);
    for thread in threads {
        thread.join().expect("no panic");
    }
    machine.join_drivers();
    assert_eq!(device.references(), 0);
}

/// A handle goes to another thread with a target that is nobody else's, and is dropped there while
/// the request is being completed.
#[test]
#[cfg_attr(miri, ignore = "takes minutes: run it with `-- --ignored`")]
fn handles_with_their_targets_are_dropped_by_other_threads() {
    fn other_thread<S: Storage + Send + 'static>(machine: &Machine, sent: InFlight<S>) {
        machine.spawn(move || drop(sent)).join().expect("no panic");
    }

    let machine = Machine::new();
    let at = passive();
    for _ in 0..ROUNDS {
        for when in [
            When::after(SOON),
            When::cancelled(),
            When::after(SOON).unmarked().cancelable(),
        ] {
            let device = disk(&machine, when);
            let target = || target(&device).expect("shallow");
            for sent in [
                reading(Arc::new(target())).send_boxed(&at),
                reading(Arc::new(target())).send_boxed(&at),
            ] {
                if let Sent::InFlight(sent) = sent.expect("sent") {
                    other_thread(&machine, sent);
                }
            }
            if let (Sent::InFlight(sent), canceller) = reading(Box::new(target()))
                .send_cancellable(&at)
                .expect("sent")
            {
                let by_canceller = machine.spawn(move || canceller.cancel());
                other_thread(&machine, sent);
                by_canceller.join().expect("no panic");
            }
            machine.join_drivers();
            assert_eq!(device.references(), 0);
        }
    }
}

/// The I/O method of a device changes between attempts and uses: each send reads it once, and an
/// IRP that is used again has nothing of the last.
#[test]
fn io_method_changes_while_requests_are_sent() {
    static STOP: AtomicBool = AtomicBool::new(false);

    let machine = Machine::new();
    let at = passive();
    let device = machine.device(Behavior::complete(STATUS_SUCCESS, 0));
    let changes = [
        (DO_DIRECT_IO, DO_BUFFERED_IO),
        (0, DO_DIRECT_IO),
        (DO_BUFFERED_IO, 0),
    ];
    let other = machine.spawn({
        let device = device.clone();
        move || {
            while !STOP.load(Ordering::Relaxed) {
                for (set, clear) in changes {
                    change_flags(&device, set, clear);
                    thread::yield_now();
                }
            }
        }
    });
    let mut irp = allocate(device.target());
    for _ in 0..ROUNDS {
        machine.fail_next_pool_allocation();
        let request = irp.read(vec![0; 8], ByteOffset(0)).on_completion(done, ());
        let not_sent = request.send_boxed(&at).expect_err("no memory");
        let sent = not_sent.request.send_boxed(&at).expect("sent");
        irp = sent.wait(&at, LONG).expect("completed").reuse().0;
    }
    STOP.store(true, Ordering::Relaxed);
    other.join().expect("no panic");
    drop(irp);
    assert_eq!(machine.live_mdls(), 0);
}

/// Devices are attached above a target after it was named, and deleted while it is used.
#[test]
fn stack_grows_and_shrinks_above_the_target() {
    let machine = Machine::new();
    let at = passive();
    let device = disk(&machine, When::triggered());
    let before = attached(&device).expect("shallow");
    let filter = machine.filter_over(&device);
    let top = attached(&device).expect("shallow");
    assert_eq!(
        (before.as_ptr(), top.as_ptr()),
        (device.as_ptr(), filter.as_ptr())
    );
    let sent =
        [before, top].map(|target| in_flight(reading(target).send_boxed(&at).expect("sent")));
    filter.delete();
    assert_eq!(
        attached(&device).expect("shallow").as_ptr(),
        device.as_ptr()
    );
    for handle in sent {
        assert!(device.complete_next(STATUS_SUCCESS, 8));
        drop(handle.wait(&at, LONG).expect("read"));
    }
    assert_eq!((filter.references(), device.references()), (0, 0));
}

/// A proof that was made at a low IRQL is of this thread: the routine that runs on it at a higher
/// one has no way to it, and what it can check says the truth.
#[test]
fn routine_on_the_thread_of_a_passive_proof_cannot_wait() {
    #[completion_routine]
    fn tries(mut irp: Completing<'_, (Vouched, bool)>) -> Signaled<'_> {
        let (target, could) = irp.context_mut();
        *could = PassiveLevel::check().is_ok();
        let sent =
            DispatchLevel::check().map(|at| read(target, [0; 8], 0, done, ()).send_boxed(&at));
        assert!(sent.is_ok());
        irp.signal_if_pended()
    }

    let machine = Machine::new();
    let at = passive();
    let fast = disk(&machine, When::inline());
    for (raised, expected) in [(false, true), (true, false)] {
        let device = machine.device(Behavior::custom(move |irp| {
            let _raised = raised.then(|| irql::raise(DISPATCH_LEVEL));
            irp.complete(STATUS_SUCCESS, 0)
        }));
        let context = (fast.target().clone(), !expected);
        let request = read(device.target(), [0; 8], 0, tries, context);
        assert_eq!(
            request.send_and_wait(&at, LONG).expect("read").context().1,
            expected
        );
    }
}

/// A target that is kept by the context of its own request.
#[test]
fn target_owns_itself_through_the_context() {
    type Kept = Arc<Mutex<Option<Irp<Arc<TargetDevice>>>>>;

    #[completion_routine]
    fn keeps(irp: Completing<'_, Kept>) -> Signaled<'_> {
        drop(irp.context().lock().expect("no panic").take());
        irp.signal_if_pended()
    }

    let machine = Machine::new();
    let device = disk(&machine, When::triggered());
    for _ in 0..2 {
        let shared = Arc::new(target(&device).expect("shallow"));
        let kept = Arc::new(Mutex::new(Irp::allocate(shared.clone()).ok()));
        let irp = Irp::allocate(shared)
            .expect("memory")
            .read([0; 8], ByteOffset(0));
        drop(
            irp.on_completion(keeps, kept)
                .send_boxed(passive())
                .expect("sent"),
        );
        assert!(device.complete_next(STATUS_SUCCESS, 8));
        assert_eq!((device.references(), machine.live_irps()), (0, 0));
    }
}
