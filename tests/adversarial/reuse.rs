//! IRPs that are used again after all that can become of a request
//! ([H11](../../docs/hazards.md#h11)).

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use wdm_irp::buffer::SystemBuffer;
use wdm_irp::error::SendError;
use wdm_irp::in_flight::Sent;
use wdm_irp::irql::UpToDispatch;
use wdm_irp::routine::CompletionRoutine;
use wdm_irp::sys::{DISPATCH_LEVEL, STATUS_CANCELLED, STATUS_PENDING, STATUS_SUCCESS};
use wdm_irp::target::{OwnedTarget, Target as AnyTarget};
use wdm_irp::{ByteOffset, Completing, Irp, IrpError, Signaled, Timeout, completion_routine};
use wdm_irp_sim::{Behavior, DelayPoint, Device, DeviceOptions, Machine, When, irql};
use wdm_irp_tests::{
    AnyOutcome, BoxedSlot, Completed, Count, LONG, Pair, SOON, Slot, Target, ZERO, allocate, codes,
    count, disk, in_flight, pair, passive, read, registered_pair,
};

use super::common::{Bytes, ROUNDS};

/// What comes back with the IRP of a read.
type Parts<T> = (Irp<T>, Bytes, Count);

/// Sends a read in one of the ways there are, and takes everything back.
fn round<T>(
    way: usize,
    slot: &'static wdm_irp::in_flight::Slot<count, Bytes, T>,
    (irp, buffer, context): Parts<T>,
) -> Parts<T>
where
    T: OwnedTarget + AnyTarget<Irql = UpToDispatch>,
{
    let at = passive();
    let runs = context.get();
    let request = irp
        .read(buffer, ByteOffset(runs.into()))
        .on_completion(count, context);
    let outcome = match way % 4 {
        0 => match request.send_and_wait(&at, LONG) {
            Ok(completed) => Ok(completed),
            Err(SendError::Failed(failed)) => Err(failed),
            Err(SendError::NotSent(not_sent)) => panic!("{not_sent}"),
        },
        1 => request.send_in(slot, &at).expect("free").wait(&at, LONG),
        2 => request.send_boxed(&at).expect("memory").wait(&at, LONG),
        _ => request
            .send_scoped(&at, |sent| sent.wait(&at, LONG))
            .expect("sent"),
    };
    let completed = outcome.expect("read");
    assert_eq!(completed.context().get(), runs + 1);
    assert_eq!(completed.buffer()[0], (runs & 0xff) as u8);
    completed.reuse()
}

/// One IRP for thousands of requests from each kind of memory, for each kind of target.
#[test]
#[cfg_attr(miri, ignore = "takes minutes: run it with `-- --ignored`")]
fn one_irp_is_used_thousands_of_times() {
    static OF_DEVICE: Slot<count, Bytes> = Slot::new();
    static OF_PAIR: wdm_irp::in_flight::Slot<count, Bytes, Arc<Pair>> =
        wdm_irp::in_flight::Slot::new();

    fn chain<T>(
        irp: Irp<T>,
        slot: &'static wdm_irp::in_flight::Slot<count, Bytes, T>,
        rounds: usize,
    ) where
        T: OwnedTarget + AnyTarget<Irql = UpToDispatch>,
    {
        let mut parts = (irp, [0; 8], Count::default());
        for number in 0..rounds {
            parts = round(number, slot, parts);
        }
        assert_eq!(parts.2.get() as usize, rounds);
    }

    let machine = Machine::new();
    machine.record_timeline(false);
    for (when, rounds) in [
        (When::inline(), ROUNDS * ROUNDS * 10),
        (When::inline_marked(), ROUNDS * ROUNDS),
        (When::before_return(), ROUNDS * 5),
    ] {
        let lower = disk(&machine, when);
        chain(allocate(lower.target()), &OF_DEVICE, rounds);
        let own = machine.own_device_over(&lower);
        let target = Arc::new(pair(&own, &lower));
        chain(Irp::allocate(target).expect("memory"), &OF_PAIR, rounds);
    }
    assert_eq!((machine.allocated_irps(), machine.live_irps()), (6, 0));
}

/// A driver that counts the IRPs that come cancelled. It holds every other one until it is
/// cancelled, and completes the rest at once.
fn holds_every_other(machine: &Machine, came_cancelled: &Arc<AtomicUsize>) -> Device {
    let (came_cancelled, number) = (came_cancelled.clone(), AtomicUsize::new(0));
    machine.device_with(
        DeviceOptions::new("direct").direct(),
        Behavior::custom(move |irp| {
            came_cancelled.fetch_add(irp.is_cancelled().into(), Ordering::SeqCst);
            if number.fetch_add(1, Ordering::SeqCst) % 2 == 0 {
                irp.mark_pending();
                irp.hold(true);
                STATUS_PENDING
            } else {
                let information = irp.write_output(&irp.read_pattern());
                irp.complete(STATUS_SUCCESS, information)
            }
        }),
    )
}

/// Neither the cancellation nor the time-out of one request is left for the next in its IRP.
#[test]
fn irp_of_a_cancelled_request_is_used_again() {
    static SLOT: Slot<count, Bytes> = Slot::new();

    let machine = Machine::new();
    let at = passive();
    let came_cancelled = Arc::new(AtomicUsize::new(0));
    let disk = holds_every_other(&machine, &came_cancelled);
    let mut parts = (allocate(disk.target()), [0; 8], Count::default());
    for number in 0..8 {
        let (irp, buffer, context) = parts;
        let request = irp
            .read(buffer, ByteOffset(0))
            .on_completion(count, context);
        let completed = match number {
            0 => request
                .send_and_wait(&at, ZERO)
                .err()
                .map(|error| match error {
                    SendError::Failed(failed) => failed,
                    SendError::NotSent(not_sent) => panic!("{not_sent}"),
                }),
            1 => {
                let sent = in_flight(request.send_in(&SLOT, &at).expect("free"));
                sent.cancel();
                sent.cancel();
                sent.wait(&at, LONG).err()
            }
            2 => {
                let sent = in_flight(request.send_boxed(&at).expect("memory"));
                let sent = sent.wait_for(&at, ZERO).expect_err("held");
                sent.cancel();
                sent.try_complete().expect("completed").err()
            }
            _ => {
                let scoped = request.send_scoped(&at, |sent| {
                    in_flight(sent).wait(&at, Timeout::milliseconds(1))
                });
                scoped.expect("sent").err()
            }
        };
        let completed = completed.expect("cancelled").into_completed();
        assert_eq!(completed.status(), STATUS_CANCELLED);
        assert_eq!((machine.live_irps(), machine.live_mdls()), (1, 0));
        // The driver answers this one.
        parts = round(number, &SLOT, completed_at(completed, 2 * number));
        assert_eq!(machine.live_mdls(), 0);
    }
    assert_eq!(machine.allocated_irps(), 1);
    assert_eq!(came_cancelled.load(Ordering::SeqCst), 0);
}

/// Takes everything back from a request that was the one of this number.
fn completed_at(completed: Completed<count, Bytes>, number: usize) -> Parts<Target> {
    assert_eq!(completed.context().get() as usize, number + 1);
    completed.reuse()
}

/// An own location is entered again each time, for every way to register the routine.
#[test]
fn own_location_comes_back_with_the_irp() {
    #[completion_routine]
    fn own_device(mut irp: Completing<'_, Vec<usize>>) -> Signaled<'_> {
        let device = irp.device_object().addr();
        irp.context_mut().push(device);
        irp.signal_if_pended()
    }

    let machine = Machine::new();
    let at = passive();
    for when in [
        When::after(SOON),
        When::inline(),
        When::cancelled().unmarked(),
    ] {
        let lower = disk(&machine, when);
        let own = machine.own_device_over(&lower);
        for registers in [false, true] {
            let pair = if registers { registered_pair } else { pair };
            let irp = Irp::allocate(pair(&own, &lower)).expect("memory");
            let (mut irp, mut buffer, mut devices) = (irp, [0; 8], Vec::new());
            for number in 0..4 {
                let mut request = irp
                    .read(buffer, ByteOffset(0))
                    .on_completion(own_device, devices);
                if registers {
                    machine.fail_next_registration();
                    let refused = request.send_boxed(&at).expect_err("not registered");
                    assert_eq!(refused.error, IrpError::RoutineRegistration);
                    request = refused.request;
                }
                let sent = request.send_boxed(&at).expect("memory");
                let timeout = if number == 0 {
                    ZERO
                } else {
                    Timeout::milliseconds(20)
                };
                (irp, buffer, devices) = sent.wait(&at, timeout).completed().reuse();
            }
            assert_eq!(devices, [own.as_ptr().addr(); 4]);
        }
    }
}

/// Each request leaves other fields of the IRP behind: MDL, system buffer, user buffer, parameters.
#[test]
#[cfg_attr(miri, ignore = "takes minutes: run it with `-- --ignored`")]
fn one_irp_is_used_for_every_kind_of_request() {
    let machine = Machine::new();
    let at = passive();
    for options in [
        DeviceOptions::new("buffered").buffered(),
        DeviceOptions::new("direct").direct(),
        DeviceOptions::new("neither").neither(),
    ] {
        let behavior = Behavior::transfer().when(When::after(SOON));
        let device = machine.device_with(options, behavior);
        let mut irp = allocate(device.target());
        for _ in 0..ROUNDS.min(4) {
            let read = irp.read([0; 64], ByteOffset(3)).send_boxed(&at);
            let (back, read, ()) = read.expect("memory").wait(&at, LONG).expect("read").reuse();
            assert_eq!(read[..2], [3, 4]);
            let control = back.device_control(codes::OUT_DIRECT, ([1, 2], vec![0; 2]));
            let (back, (_, data), ()) = control.send_and_wait(&at, LONG).expect("sent").reuse();
            assert_eq!(data, [1, 2]);
            let flush = back.flush().send_boxed(&at).expect("memory");
            let (back, (), ()) = flush.wait(&at, LONG).expect("flushed").reuse();
            let control = back.device_control(codes::BUFFERED, SystemBuffer::both([5, 6, 7], 2));
            let (back, data, ()) = control.send_and_wait(&at, LONG).expect("sent").reuse();
            assert_eq!(data.into_inner()[..2], [5, 6]);
            let control = back.device_control(codes::NEITHER, (vec![8, 9], [0; 2]));
            let (back, (_, data), ()) = control.send_and_wait(&at, LONG).expect("sent").reuse();
            assert_eq!(data, [8, 9]);
            let write = back
                .write(vec![1; 5000], ByteOffset(0))
                .send_and_wait(&at, LONG);
            (irp, _, ()) = write.expect("written").reuse();
            assert_eq!(machine.live_mdls(), 0);
        }
    }
    assert_eq!(machine.allocated_irps(), 3);
}

/// The next request is sent while the routine of the one before, on another thread, is on its way
/// out; the last is abandoned then.
#[test]
#[cfg_attr(miri, ignore = "takes minutes: run it with `-- --ignored`")]
fn irp_is_used_again_while_its_routine_leaves() {
    static SLOT: Slot<count, Bytes> = Slot::new();

    let machine = Machine::new();
    for point in [
        DelayPoint::AfterSetEvent,
        DelayPoint::AfterRoutine,
        DelayPoint::AfterDispatch,
    ] {
        machine.faults().clear();
        machine.faults().delay(point, SOON);
        for when in [
            When::after(SOON / 2),
            When::before_return(),
            When::after(SOON / 2).unmarked(),
        ] {
            let disk = disk(&machine, when);
            let ways = if cfg!(miri) { 1..3 } else { 0..4 };
            for way in ways {
                let mut parts = (allocate(disk.target()), [0; 8], Count::default());
                for number in 0..3 {
                    parts = round(way + number / 2, &SLOT, parts);
                }
                let (irp, buffer, context) = parts;
                let last = irp
                    .read(buffer, ByteOffset(0))
                    .on_completion(count, context);
                if way == 1 {
                    drop(last.send_in(&SLOT, passive()).expect("free"));
                } else {
                    drop(last.send_boxed(passive()).expect("memory"));
                }
                machine.join_drivers();
                assert_eq!((machine.live_irps(), machine.live_pool_blocks()), (0, 0));
            }
        }
    }
}

/// A scope is not over, and its IRP already in flight again: in an inner one, in a box, and in the
/// hands of another thread.
#[test]
fn irp_is_used_again_before_its_scope_ends() {
    let machine = Machine::new();
    let at = passive();
    let slow = disk(&machine, When::after(SOON));
    let mut outer_buffer = [0; 8];
    let outer = read(slow.target(), &mut outer_buffer, 1, count, Count::default());
    let kept = outer.send_scoped(&at, |sent| {
        let (irp, buffer, context) = sent.wait(&at, LONG).expect("read").reuse();
        assert_eq!(buffer[0], 1);
        buffer[0] = 9;
        let inner = irp
            .read(&mut *buffer, ByteOffset(2))
            .on_completion(count, context);
        let (irp, context) = inner
            .send_scoped(&at, |sent| {
                let (irp, buffer, context) = sent.wait(&at, LONG).expect("read").reuse();
                assert_eq!(buffer[0], 2);
                (irp, context)
            })
            .expect("sent");
        let boxed = irp
            .read([0; 8], ByteOffset(3))
            .on_completion(count, context);
        boxed.send_boxed(&at).expect("memory")
    });
    let kept = kept.expect("sent");
    let thread = machine.spawn(move || kept.wait(passive(), LONG).expect("read").reuse());
    let (irp, buffer, context) = thread.join().expect("no panic");
    assert_eq!((buffer[0], context.get()), (3, 3));
    outer_buffer.fill(0);
    drop(irp);
    assert_eq!((machine.allocated_irps(), machine.live_irps()), (1, 0));
}

/// A routine that takes its own handle after the signal, and sends the IRP again from there.
#[test]
fn routine_uses_its_own_irp_again_after_the_signal() {
    type Handle = Sent<BoxedSlot<Again, Bytes>>;

    struct Again;

    impl CompletionRoutine for Again {
        type Context = (Arc<Mutex<Option<Handle>>>, u32);

        fn complete(mut irp: Completing<'_, Self::Context>) -> Signaled<'_> {
            let at = irp.irql();
            irp.context_mut().1 += 1;
            let own = irp.context().0.clone();
            let token = irp.signal_if_pended();
            let handle = own.lock().expect("no panic").take();
            let done = match handle.expect("put there") {
                Sent::Completed(outcome) => outcome,
                Sent::InFlight(handle) => handle.try_complete().expect("it has signaled"),
            };
            let (irp, buffer, context) = done.expect("read").reuse();
            if context.1 < 5 {
                let request = irp
                    .read(buffer, ByteOffset(0))
                    .on_completion(Again, context);
                let sent = request.send_boxed(at).expect("memory");
                *own.lock().expect("no panic") = Some(sent);
            }
            token
        }
    }

    let machine = Machine::new();
    for when in [When::triggered(), When::triggered().unmarked()] {
        let disk = disk(&machine, when);
        let own = Arc::new(Mutex::new(None));
        let request = read(disk.target(), [0; 8], 0, Again, (own.clone(), 0));
        let sent = request.send_boxed(passive()).expect("memory");
        *own.lock().expect("no panic") = Some(sent);
        let before = machine.allocated_irps();
        let _raised = irql::raise(DISPATCH_LEVEL);
        for _ in 0..5 {
            assert!(disk.complete_next(STATUS_SUCCESS, 8));
        }
        assert_eq!((disk.pending(), Arc::strong_count(&own)), (0, 1));
        assert_eq!((machine.allocated_irps(), machine.live_irps()), (before, 0));
    }
}

/// Completed requests and IRPs for the next ones are in contexts, which routines drop.
#[test]
fn completed_requests_and_idle_irps_are_dropped_by_routines() {
    type Done = Completed<count, Bytes>;
    type Idle = (Option<Done>, Option<Irp<Target>>, Arc<()>);

    #[completion_routine]
    fn owns(mut irp: Completing<'_, Idle>) -> Signaled<'_> {
        drop(irp.context_mut().1.take());
        irp.signal_if_pended()
    }

    static SLOT: Slot<owns, Bytes> = Slot::new();

    let machine = Machine::new();
    let at = passive();
    let inline = disk(&machine, When::inline());
    for when in [
        When::cancelled(),
        When::after(SOON),
        When::after(SOON).unmarked(),
    ] {
        let disk = disk(&machine, when);
        for in_slot in [false, true] {
            let done = || {
                let request = read(inline.target(), [0; 8], 0, count, Count::default());
                request.send_and_wait(&at, LONG).expect("read")
            };
            let alive = Arc::new(());
            let context = (Some(done()), Some(done().reuse().0), alive.clone());
            let request = read(disk.target(), [0; 8], 0, owns, context);
            assert_eq!(machine.live_irps(), 3);
            if in_slot {
                drop(request.send_in(&SLOT, &at).expect("free"));
            } else {
                drop(request.send_boxed(&at).expect("memory"));
            }
            machine.join_drivers();
            assert_eq!((machine.live_irps(), Arc::strong_count(&alive)), (0, 1));
        }
    }
}
