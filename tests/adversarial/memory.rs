//! Programs that aim at memory: use after free, data races, aliasing, double frees, uninitialised reads. Miri judges them
//! under both of its borrow models, the machine's ledger everywhere.

use std::cell::{Cell, RefCell};
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, OnceLock, mpsc};
use std::thread;
use std::time::Duration;

use static_assertions::assert_not_impl_any;
use wdm_irp::sys::{
    DISPATCH_LEVEL, STATUS_CANCELLED, STATUS_PENDING, STATUS_SUCCESS, STATUS_UNSUCCESSFUL,
};
use wdm_irp::{
    Armed, BoxedSlot, ByteOffset, Completed, Completing, CompletionRoutine, InFlight, IoBuffer,
    Irp, IrpError, PassiveLevel, Read, Request, Sent, Signaled, Slot, SystemBuffer, TargetDevice,
    Timeout, completion_routine,
};
use wdm_irp_sim::{Behavior, DeviceOptions, Machine, ViolationKind, When, irql};
use wdm_irp_tests::{
    Count, LONG, SOON, allocate, codes, count, disk, done, in_flight, own_device, passive, read,
    target,
};

const ROUNDS: usize = if cfg!(miri) { 2 } else { 20 };

type Bytes = [u8; 8];

// No bytes, bytes that others see, bytes of which nobody knows what they are.
assert_not_impl_any!(MaybeUninit<u8>: IoBuffer);
assert_not_impl_any!([MaybeUninit<u8>; 8]: IoBuffer);
assert_not_impl_any!([bool; 8]: IoBuffer);
assert_not_impl_any!([Cell<u8>; 8]: IoBuffer);
assert_not_impl_any!(&'static [u8]: IoBuffer);
assert_not_impl_any!(&'static mut [Cell<u8>]: IoBuffer);
assert_not_impl_any!(Rc<[u8]>: IoBuffer);
assert_not_impl_any!(Arc<[u8]>: IoBuffer);
assert_not_impl_any!(Vec<MaybeUninit<u8>>: IoBuffer);
assert_not_impl_any!(SystemBuffer<&'static [u8]>: IoBuffer);
assert_not_impl_any!(Option<Box<[u8]>>: IoBuffer);
// Two buffers are none: `transferred` would not know which.
assert_not_impl_any!((Bytes, Bytes): IoBuffer);

/// Sends a request from each kind of memory there is.
fn everywhere<'d, R, B>(
    slot: &'static Slot<R, B>,
    request: impl Fn() -> Request<'d, Read, B, Armed<R>>,
    check: impl Fn(Completed<R, B>),
) where
    R: CompletionRoutine,
    B: IoBuffer + 'static,
{
    let at = passive();
    check(request().send_and_wait(&at, LONG).expect("read"));
    let scoped = request().send_scoped(&at, |sent| sent.wait(&at, LONG));
    check(scoped.expect("sent"));
    check(request().send_in(slot, &at).expect("sent").wait(&at, LONG));
    check(request().send_boxed(&at).expect("sent").wait(&at, LONG));
}

#[derive(Debug, Default)]
#[repr(align(64))]
struct Line([u8; 3]);

#[derive(Debug, Default)]
#[repr(align(4096))]
struct Page(u8);

#[derive(Debug, Default)]
#[repr(align(4096))]
struct NoPage;

/// Notes whether its context is aligned as its type says.
struct Aligned<T>(PhantomData<T>);

impl<T: Send + 'static> CompletionRoutine for Aligned<T> {
    type Context = (T, Option<usize>);

    fn complete(mut irp: Completing<'_, Self::Context>) -> Signaled<'_> {
        let (value, misaligned_by) = irp.context_mut();
        *misaligned_by = Some(std::ptr::from_ref(value).addr() % align_of::<T>());
        irp.signal_if_pended()
    }
}

#[test]
fn contexts_are_aligned_more_strictly_than_the_memory_of_most_allocators() {
    static LINE: Slot<Aligned<Line>, Bytes> = Slot::new();
    static PAGE: Slot<Aligned<Page>, Bytes> = Slot::new();
    static NO_PAGE: Slot<Aligned<NoPage>, [u8; 0]> = Slot::new();

    let machine = Machine::new();
    let all = [When::inline(), When::after(SOON)];
    for when in all.into_iter().skip(usize::from(cfg!(miri))) {
        let disk = disk(&machine, when);
        let disk = disk.target();
        everywhere(
            &LINE,
            || {
                let context = (Line([1, 2, 3]), None);
                read(disk, [0; 8], 1, Aligned(PhantomData), context)
            },
            |completed| {
                assert_eq!(*completed.buffer(), [1, 2, 3, 4, 5, 6, 7, 8]);
                let (line, misaligned_by) = completed.into_parts().0;
                assert_eq!((line.0, misaligned_by), ([1, 2, 3], Some(0)));
            },
        );
        everywhere(
            &PAGE,
            || read(disk, [0; 8], 1, Aligned(PhantomData), (Page(7), None)),
            |completed| {
                assert_eq!(*completed.buffer(), [1, 2, 3, 4, 5, 6, 7, 8]);
                let (page, misaligned_by) = completed.into_parts().0;
                assert_eq!((page.0, misaligned_by), (7, Some(0)));
            },
        );
        everywhere(
            &NO_PAGE,
            || read(disk, [], 1, Aligned(PhantomData), (NoPage, None)),
            |mut completed| {
                assert!(completed.transferred().is_empty());
                assert_eq!(completed.context().1, Some(0));
            },
        );
    }
}

/// The smallest slot there is, and buffers of no bytes for each I/O method.
#[test]
fn nothing_is_transferred_with_nothing_as_context() {
    static NOTHING: Slot<done, [u8; 0]> = Slot::new();

    let machine = Machine::new();
    let at = passive();
    for options in [
        DeviceOptions::new("buffered").buffered(),
        DeviceOptions::new("direct").direct(),
        DeviceOptions::new("neither").neither(),
    ] {
        let device = machine.device_with(options, Behavior::transfer());
        let disk = device.target();
        everywhere(
            &NOTHING,
            || read(disk, [], 0, done, ()),
            |mut completed| assert!(completed.transferred().is_empty()),
        );
        for buffer in [Vec::new(), Vec::with_capacity(16)] {
            let completed = read(disk, buffer, 0, done, ())
                .send_boxed(&at)
                .expect("sent")
                .wait(&at, LONG);
            assert!(completed.into_parts().1.is_empty());
        }
        let mut nothing: [u8; 0] = [];
        let mut completed = read(disk, &mut nothing[..], 0, done, ())
            .send_and_wait(&at, LONG)
            .expect("read");
        assert!(completed.transferred().is_empty());
    }
    let device = machine.device(Behavior::transfer());
    let request = || allocate(device.target());
    request()
        .device_control(codes::BUFFERED, SystemBuffer::both((), 0))
        .on_completion(done, ())
        .send_and_wait(&at, LONG)
        .expect("sent");
    request()
        .device_control(codes::OUT_DIRECT, ((), ()))
        .on_completion(done, ())
        .send_and_wait(&at, LONG)
        .expect("sent");
    request()
        .device_control(codes::NEITHER, ((), ()))
        .on_completion(done, ())
        .send_and_wait(&at, LONG)
        .expect("sent");
}

/// The lower driver claims more than it was given; the buffer then goes on living as what it was.
#[test]
fn driver_claims_to_have_transferred_the_whole_address_space() {
    let machine = Machine::new();
    let at = passive();
    for when in [When::inline(), When::after(SOON)] {
        for claim in [9, usize::MAX] {
            let device = machine.device(
                Behavior::respond(move |irp| {
                    irp.write_output(&[0xA5; 64]);
                    (STATUS_SUCCESS, claim)
                })
                .when(when),
            );
            let mut room = Vec::with_capacity(64);
            room.extend([0; 8]);
            let mut completed = read(device.target(), room, 0, done, ())
                .send_boxed(&at)
                .expect("sent")
                .wait(&at, LONG);
            assert_eq!(completed.transferred(), [0xA5; 8]);
            assert_eq!(completed.information(), claim);
            let bytes = completed.transferred().to_vec();
            let ((), mut room) = completed.into_parts();
            room.extend_from_slice(&bytes);
            room.reserve(1024);
            assert_eq!(room, [0xA5; 16]);
        }
    }
}

/// The locked pages of these buffers begin and end within pages, and the driver scribbles over all of them.
#[test]
fn large_buffers_lie_across_pages() {
    const LARGE: usize = if cfg!(miri) { 3 * 4096 } else { 1 << 22 };

    let machine = Machine::new();
    let at = passive();
    for options in [
        DeviceOptions::new("buffered").buffered(),
        DeviceOptions::new("direct").direct(),
        DeviceOptions::new("neither").neither(),
    ] {
        let disk = machine.device_with(options, Behavior::transfer().when(When::after(SOON)));
        let boxed = vec![0; LARGE + 1].into_boxed_slice();
        let mut completed = read(disk.target(), boxed, 5, done, ())
            .send_boxed(&at)
            .expect("sent")
            .wait(&at, LONG);
        assert_eq!(completed.transferred().len(), LARGE + 1);
        assert_eq!(completed.buffer()[..2], [5, 6]);

        let mut whole = vec![0; LARGE];
        let (_, middle) = whole.split_at_mut(1);
        let (middle, _) = middle.split_at_mut(LARGE - 2);
        read(disk.target(), middle, 5, done, ())
            .send_and_wait(&at, LONG)
            .expect("read");
        assert_eq!((whole[0], whole[1], whole[LARGE - 1]), (0, 5, 0));
    }
    assert_eq!(machine.live_mdls(), 0);
}

/// Both buffers of a request are parts of one array, next to each other, while the parts around them are written to.
#[test]
fn two_buffers_of_one_request_are_parts_of_one_array() {
    let machine = Machine::new();
    let at = passive();
    for when in [When::inline(), When::after(SOON)] {
        let device = machine.device(Behavior::transfer().when(when));
        let mut array = [1, 2, 3, 4, 0, 0, 0, 0, 9];
        let (input, rest) = array.split_at_mut(4);
        let (output, last) = rest.split_at_mut(4);
        allocate(device.target())
            .device_control(codes::NEITHER, (input, output))
            .on_completion(done, ())
            .send_scoped(&at, |sent| {
                last[0] += 1;
                let _ = sent.wait(&at, LONG);
                last[0] += 1;
            })
            .expect("sent");
        assert_eq!(array, [1, 2, 3, 4, 1, 2, 3, 4, 11]);

        let (input, rest) = array.split_at_mut(4);
        allocate(device.target())
            .device_control(codes::OUT_DIRECT, (SystemBuffer::input(input), rest))
            .on_completion(done, ())
            .send_scoped(&at, |sent| std::mem::forget(sent))
            .expect("sent");
        array.fill(0);
        assert_eq!(array, [0; 9]);
    }
}

/// A request that could not be sent goes to other memory each time; the IRP must not remember where its buffer was.
#[test]
fn request_that_could_not_be_sent_is_sent_from_other_memory() {
    static SLOT: Slot<count, Bytes> = Slot::new();
    static OTHER: Slot<count, Bytes> = Slot::new();

    let machine = Machine::new();
    let at = passive();
    let direct = machine.device_with(DeviceOptions::new("direct").direct(), Behavior::transfer());
    let stuck = machine.device_with(
        DeviceOptions::new("stuck").direct(),
        Behavior::transfer().when(When::cancelled()),
    );
    let own = own_device(&direct);
    let blocks = read(stuck.target(), [0; 8], 0, count, Count::default())
        .send_in(&SLOT, &at)
        .expect("sent");
    for _ in 0..ROUNDS {
        let request = Irp::allocate_with_own_location(direct.target(), &own)
            .expect("memory")
            .read([0; 8], ByteOffset(3))
            .on_completion(count, Count::default());
        let not_sent = request.send_in(&SLOT, &at).expect_err("in use");
        assert_eq!(not_sent.error, IrpError::SlotInUse);
        machine.fail_next_mdl_allocation();
        let not_sent = not_sent.request.send_boxed(&at).expect_err("no MDL");
        machine.fail_next_mdl_allocation();
        let not_sent = not_sent
            .request
            .send_scoped(&at, |_| unreachable!("not sent"))
            .expect_err("no MDL");
        machine.fail_next_mdl_allocation();
        let not_sent = not_sent.request.send_in(&OTHER, &at).expect_err("no MDL");
        assert_eq!(not_sent.error, IrpError::MdlAllocation);
        let moved = Box::new(not_sent.request);
        let completed = moved.send_in(&OTHER, &at).expect("sent").wait(&at, LONG);
        assert_eq!(*completed.buffer(), [3, 4, 5, 6, 7, 8, 9, 10]);
        assert_eq!(completed.context().get(), 1);
    }
    drop(blocks);
}

/// The handle of a request, for its own completion routine.
type Own<R> = Arc<Mutex<Option<Sent<BoxedSlot<R, Bytes>>>>>;

/// Frees its own operation, IRP and event and context and all, between its last act and its return.
struct ReclaimsItself;

impl CompletionRoutine for ReclaimsItself {
    type Context = Own<Self>;

    fn complete(irp: Completing<'_, Own<Self>>) -> Signaled<'_> {
        let own = Arc::clone(irp.context());
        let token = irp.signal_if_pended();
        let handle = own.lock().expect("no panic").take();
        if let Some(handle) = handle {
            let completed = match handle {
                Sent::Completed(completed) => completed,
                Sent::InFlight(handle) => handle.try_complete().expect("has let go"),
            };
            assert_eq!(*completed.buffer(), [0, 1, 2, 3, 4, 5, 6, 7]);
            drop(completed);
        }
        token
    }
}

#[test]
fn routine_frees_its_own_operation_before_it_returns_the_token() {
    let machine = Machine::new();
    let at = passive();
    for when in [When::triggered(), When::triggered().unmarked()] {
        let disk = disk(&machine, when);
        let own = Own::<ReclaimsItself>::default();
        let request = read(disk.target(), [0; 8], 0, ReclaimsItself, own.clone());
        *own.lock().expect("no panic") = Some(request.send_boxed(&at).expect("sent"));
        let irp = disk.take_next().expect("held");
        irp.write_output(&irp.read_pattern());
        irp.complete(STATUS_SUCCESS, 8);
        assert!(own.lock().expect("no panic").is_none());
        assert_eq!((machine.live_irps(), Arc::strong_count(&own)), (0, 1));
    }
}

/// As above, but the originator takes the handle too, whoever comes first.
#[test]
fn routine_and_originator_race_for_the_handle_of_the_operation() {
    let machine = Machine::new();
    let at = passive();
    for when in [When::after(SOON), When::after(SOON).unmarked()] {
        for round in 0..ROUNDS {
            let disk = disk(&machine, when);
            let own = Own::<ReclaimsItself>::default();
            let request = read(disk.target(), [0; 8], 0, ReclaimsItself, own.clone());
            let sent = request.send_boxed(&at).expect("sent");
            *own.lock().expect("no panic") = Some(sent);
            if round % 2 == 0 {
                thread::sleep(SOON);
            }
            let mine = own.lock().expect("no panic").take();
            if let Some(mine) = mine {
                let completed = mine.wait(&at, LONG);
                assert_eq!(*completed.buffer(), [0, 1, 2, 3, 4, 5, 6, 7]);
            }
            machine.settle();
            assert_eq!((machine.live_irps(), Arc::strong_count(&own)), (0, 1));
        }
    }
}

/// Asks its own handle whether it is complete, which it is not before the token.
struct PollsItself;

impl CompletionRoutine for PollsItself {
    type Context = Own<Self>;

    fn complete(irp: Completing<'_, Own<Self>>) -> Signaled<'_> {
        for _ in 0..3 {
            let mut own = irp.context().lock().expect("no panic");
            if let Some(handle) = own.take() {
                let handle = in_flight(handle).try_complete().expect_err("not yet");
                handle.cancel();
                *own = Some(Sent::InFlight(handle));
            }
        }
        irp.signal_if_pended()
    }
}

#[test]
fn routine_polls_and_cancels_its_own_operation_before_the_token() {
    let machine = Machine::new();
    let at = passive();
    for when in [When::triggered(), When::triggered().unmarked()] {
        let disk = disk(&machine, when);
        let own = Own::<PollsItself>::default();
        let request = read(disk.target(), [0; 8], 0, PollsItself, own.clone());
        *own.lock().expect("no panic") = Some(request.send_boxed(&at).expect("sent"));
        assert!(disk.complete_next(STATUS_SUCCESS, 0));
        let handle = own.lock().expect("no panic").take().expect("put back");
        assert_eq!(handle.wait(&at, LONG).status(), STATUS_SUCCESS);
        assert_eq!(Arc::strong_count(&own), 1);
    }
}

/// A context whose drop sends the next request into the slot that it was just moved out of.
struct Again {
    left: usize,
    target: Arc<TargetDevice>,
    drops: Arc<AtomicUsize>,
}

static AGAIN: Slot<again, Bytes> = Slot::new();

#[completion_routine]
fn again(irp: Completing<'_, Again>) -> Signaled<'_> {
    irp.signal_if_pended()
}

impl Drop for Again {
    fn drop(&mut self) {
        self.drops.fetch_add(1, Ordering::Relaxed);
        let Some(left) = self.left.checked_sub(1) else {
            return;
        };
        let next = Self {
            left,
            target: Arc::clone(&self.target),
            drops: Arc::clone(&self.drops),
        };
        drop(read(&self.target, [0; 8], 0, again, next).send_in(&AGAIN, passive()));
    }
}

#[test]
fn context_sends_into_its_own_static_slot_when_it_is_dropped() {
    let machine = Machine::new();
    for when in [When::inline(), When::after(SOON), When::cancelled()] {
        let disk = disk(&machine, when);
        let drops = Arc::new(AtomicUsize::new(0));
        drop(Again {
            left: ROUNDS,
            target: Arc::new(target(&disk)),
            drops: Arc::clone(&drops),
        });
        assert_eq!(drops.load(Ordering::Relaxed), ROUNDS + 1);
        assert_eq!(machine.live_irps(), 0);
    }
}

/// What a routine is refused that sends into the slot it runs for, and what it gets from a slot of its own.
type Refused = (Option<TargetDevice>, Option<IrpError>);

static OCCUPIED: Slot<sends_here, Bytes> = Slot::new();

#[completion_routine]
fn sends_here(mut irp: Completing<'_, Refused>) -> Signaled<'_> {
    let at = irp.irql();
    let (target, refused) = irp.context_mut();
    if let Some(target) = target {
        let not_sent = read(target, [0; 8], 0, sends_here, (None, None))
            .send_in(&OCCUPIED, &at)
            .expect_err("in use by this very invocation");
        *refused = Some(not_sent.error);
        let sent = not_sent.request.send_boxed(&at).expect("sent");
        assert!(matches!(sent, Sent::Completed(_)));
    }
    irp.signal_if_pended()
}

#[test]
fn routine_sends_into_the_slot_that_it_runs_for() {
    let machine = Machine::new();
    let at = passive();
    let inline = disk(&machine, When::inline());
    for when in [When::inline(), When::after(SOON), When::before_return()] {
        let disk = disk(&machine, when);
        let context = (Some(target(&inline)), None);
        let completed = read(disk.target(), [0; 8], 0, sends_here, context)
            .send_in(&OCCUPIED, &at)
            .expect("free")
            .wait(&at, LONG);
        assert_eq!(completed.context().1, Some(IrpError::SlotInUse));
    }
}

/// Panics when dropped, unless a panic is under way.
#[derive(Debug)]
struct Bomb(Arc<AtomicUsize>);

impl Drop for Bomb {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
        assert!(thread::panicking(), "a context panics in its drop");
    }
}

#[completion_routine]
fn armed(irp: Completing<'_, Bomb>) -> Signaled<'_> {
    irp.signal_if_pended()
}

#[test]
fn context_panics_when_it_is_dropped() {
    static SLOT: Slot<armed, Vec<u8>> = Slot::new();

    let machine = Machine::new();
    let at = passive();
    let drops = Arc::new(AtomicUsize::new(0));
    let mut expected = 0;
    for when in [When::inline(), When::after(SOON), When::cancelled()] {
        let disk = disk(&machine, when);
        let request = || read(disk.target(), vec![0; 8], 0, armed, Bomb(drops.clone()));
        let attempts: [&dyn Fn(); 6] = [
            &|| drop(request()),
            &|| drop(request().send_boxed(&at)),
            &|| drop(request().send_in(&SLOT, &at)),
            &|| drop(request().send_scoped(&at, |sent| drop(sent))),
            &|| drop(request().send_scoped(&at, |sent| std::mem::forget(sent))),
            &|| {
                let scoped = request().send_scoped(&at, |sent| {
                    std::mem::forget(sent);
                    panic!("a scope panics, too");
                });
                drop(scoped);
            },
        ];
        for (number, attempt) in attempts.into_iter().enumerate() {
            // A forgotten request that is complete already is lost together with its context.
            if number >= 4 && when == When::inline() {
                continue;
            }
            assert!(catch_unwind(AssertUnwindSafe(attempt)).is_err());
            expected += 1;
            assert_eq!(drops.load(Ordering::Relaxed), expected, "dropped once");
            assert_eq!(machine.live_irps(), 0);
        }
    }
}

/// A routine as a value, whose drop panics in the middle of the building of a request.
struct Grenade;

impl CompletionRoutine for Grenade {
    type Context = Arc<()>;

    fn complete(irp: Completing<'_, Arc<()>>) -> Signaled<'_> {
        irp.signal_if_pended()
    }
}

impl Drop for Grenade {
    fn drop(&mut self) {
        panic!("a routine panics in its drop");
    }
}

#[test]
fn routine_value_panics_when_it_is_dropped() {
    let machine = Machine::new();
    let disk = disk(&machine, When::inline());
    let context = Arc::new(());
    let built = catch_unwind(AssertUnwindSafe(|| {
        drop(read(disk.target(), [0; 8], 0, Grenade, context.clone()));
    }));
    assert!(built.is_err());
    assert_eq!((machine.live_irps(), Arc::strong_count(&context)), (0, 1));
}

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
            let completed = sent.wait(&at, LONG);
            assert!([STATUS_SUCCESS, STATUS_CANCELLED].contains(&completed.status()));
            assert_eq!(completed.context().get(), 10);
        }
    }
}

#[test]
fn handles_of_two_operations_are_swapped_and_replaced() {
    static ONE: Slot<count, Bytes> = Slot::new();
    static TWO: Slot<count, Bytes> = Slot::new();

    let machine = Machine::new();
    let at = passive();
    let slow = disk(&machine, When::after(SOON));
    let disk = disk(&machine, When::triggered().cancelable());
    let request = |offset| read(disk.target(), [0; 8], offset, count, Count::default());
    let mut one = in_flight(request(10).send_in(&ONE, &at).expect("free"));
    let mut two = in_flight(request(20).send_in(&TWO, &at).expect("free"));
    std::mem::swap(&mut one, &mut two);
    let irp = disk.take_next().expect("the first request");
    irp.write_output(&irp.read_pattern());
    irp.complete(STATUS_SUCCESS, 8);
    let one = one.try_complete().expect_err("the second request");
    assert_eq!(two.try_complete().expect("the first").buffer()[0], 10);

    // The slot of the first one is free, the other one is not.
    let third = read(slow.target(), [0; 8], 30, count, Count::default());
    let third = third.send_in(&TWO, &at).expect_err("in use").request;
    let mut kept = Sent::InFlight(one);
    let old = std::mem::replace(&mut kept, third.send_in(&ONE, &at).expect("free"));
    assert_eq!(kept.wait(&at, LONG).buffer()[0], 30);
    drop(old);
}

/// Puts what one kind of memory has given back into a handle that would have had another kind.
#[test]
fn completed_request_is_passed_off_as_one_of_another_memory() {
    let machine = Machine::new();
    let at = passive();
    let disk = disk(&machine, When::after(SOON));
    let request = || read(disk.target(), [0; 8], 1, count, Count::default());
    let from_stack = request().send_and_wait(&at, LONG).expect("read");
    let mut on_heap = request().send_boxed(&at).expect("sent");
    let waited = std::mem::replace(&mut on_heap, Sent::Completed(from_stack)).wait(&at, LONG);
    let mut in_static: Sent<&'static Slot<count, Bytes>> = Sent::Completed(waited);
    if let (Sent::Completed(a), Sent::Completed(b)) = (&mut on_heap, &mut in_static) {
        std::mem::swap(a, b);
    }
    for completed in [on_heap.wait(&at, LONG), in_static.wait(&at, LONG)] {
        assert_eq!(completed.context().get(), 1);
        assert_eq!(completed.into_parts().1, [1, 2, 3, 4, 5, 6, 7, 8]);
    }
}

/// A request in flight in the context of a request in flight in the context …
struct Link {
    next: Option<Box<Sent<BoxedSlot<Self, Bytes>>>>,
    inner_links: Arc<AtomicUsize>,
}

impl CompletionRoutine for Link {
    type Context = Self;

    fn complete(irp: Completing<'_, Self>) -> Signaled<'_> {
        if irp.context().next.is_some() {
            irp.context().inner_links.fetch_add(1, Ordering::Relaxed);
        }
        irp.signal_if_pended()
    }
}

#[test]
fn requests_in_flight_own_each_other_in_a_long_chain() {
    let machine = Machine::new();
    let at = passive();
    let disk = disk(&machine, When::cancelled());
    let inner_links = Arc::new(AtomicUsize::new(0));
    let link = |next| Link {
        next,
        inner_links: inner_links.clone(),
    };
    let mut chain = None;
    for _ in 0..ROUNDS {
        let request = read(disk.target(), [0; 8], 0, link(None), link(chain));
        chain = Some(Box::new(request.send_boxed(&at).expect("sent")));
    }
    assert_eq!(disk.pending(), ROUNDS);
    drop(chain);
    assert_eq!((disk.pending(), machine.live_irps()), (0, 0));
    assert_eq!(inner_links.load(Ordering::Relaxed), ROUNDS - 1);
}

/// Two requests each own the handle of the other one. The routine of one takes the ring apart.
#[test]
fn requests_in_flight_own_each_other_in_a_ring() {
    type Handle = Sent<BoxedSlot<Ring, Bytes>>;
    struct Ring;
    impl CompletionRoutine for Ring {
        type Context = (Arc<Mutex<Option<Handle>>>, mpsc::Sender<Handle>);
        fn complete(irp: Completing<'_, Self::Context>) -> Signaled<'_> {
            let (other, out) = irp.context();
            let other = other.lock().expect("no panic").take();
            if let Some(other) = other {
                out.send(other).expect("the originator listens");
            }
            irp.signal_if_pended()
        }
    }

    let machine = Machine::new();
    let at = passive();
    let first = disk(&machine, When::cancelled());
    let second = disk(&machine, When::triggered());
    let (sender, handles) = mpsc::channel();
    let one = Arc::new(Mutex::new(None::<Handle>));
    let two = Arc::new(Mutex::new(None::<Handle>));
    let context = (Arc::clone(&two), sender.clone());
    let request = read(first.target(), [0; 8], 0, Ring, context);
    *one.lock().expect("no panic") = Some(request.send_boxed(&at).expect("sent"));
    let context = (Arc::clone(&one), sender);
    let request = read(second.target(), [0; 8], 0, Ring, context);
    *two.lock().expect("no panic") = Some(request.send_boxed(&at).expect("sent"));
    drop((one, two));
    assert!(second.complete_next(STATUS_SUCCESS, 0));
    // The drop of the first completes it, and its routine hands the second over.
    drop(handles.recv().expect("the first"));
    let completed = handles.recv().expect("the second").wait(&at, LONG);
    assert_eq!(completed.status(), STATUS_SUCCESS);
    assert!(handles.try_recv().is_err());
}

/// Scopes within scopes, on one stack, each with a request that is still in flight when the next one begins.
#[test]
fn scopes_are_nested_and_handles_handed_inwards_and_forgotten() {
    fn descend(disk: &TargetDevice, buffer: &mut [u8], at: &PassiveLevel, depth: usize) -> usize {
        let (mine, rest) = buffer.split_at_mut(8);
        let scoped = read(disk, mine, 0, count, Count::default()).send_scoped(at, |sent| {
            let deeper = match depth.checked_sub(1) {
                Some(depth) => descend(disk, rest, at, depth),
                None => 0,
            };
            match depth % 3 {
                0 => std::mem::forget(sent),
                1 => drop(sent),
                _ => in_flight(sent).cancel(),
            }
            deeper + 1
        });
        let depths = scoped.expect("sent");
        buffer[0] += 1;
        depths
    }

    let machine = Machine::new();
    let at = passive();
    let stuck = disk(&machine, When::cancelled());
    let mut buffer = [0; 8 * 8];
    assert_eq!(descend(stuck.target(), &mut buffer, &at, 7), 8);

    // An outer handle ends in an inner scope, whose own handle is forgotten.
    let slow = disk(&machine, When::after(SOON));
    let (outer, inner) = buffer.split_at_mut(32);
    let completed = read(slow.target(), outer, 7, count, Count::default())
        .send_scoped(&at, |outer| {
            read(stuck.target(), inner, 0, count, Count::default()).send_scoped(&at, |inner| {
                std::mem::forget(inner);
                outer.wait(&at, LONG)
            })
        })
        .expect("sent")
        .expect("sent");
    assert_eq!(completed.into_parts().1[0], 7);
    buffer.fill(0);
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

/// A scope that ends at an IRQL at which no thread may wait. The request is on its stack: it must be waited for all the
/// same, and if that is the end of the machine.
#[test]
fn scope_ends_at_a_raised_irql_with_its_request_in_flight() {
    let machine = Machine::new();
    let at = passive();
    for forget in [true, false] {
        let disk = disk(&machine, When::after(SOON));
        let mut buffer = [0; 8];
        let mut raised = None;
        read(disk.target(), &mut buffer, 1, count, Count::default())
            .send_scoped(&at, |sent| {
                raised = Some(irql::raise(DISPATCH_LEVEL));
                if forget {
                    std::mem::forget(sent);
                } else {
                    drop(sent);
                }
            })
            .expect("sent");
        drop(raised);
        assert_eq!(buffer, [1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(machine.live_irps(), 0);
    }
    let violations = machine.take_violations();
    assert!(
        violations
            .iter()
            .all(|violation| violation.kind == ViolationKind::WaitAtBadIrql),
        "{violations:?}"
    );
}

/// A handle that lives as long as its thread does, and ends with it.
#[test]
fn handle_is_dropped_by_the_destructor_of_a_thread_local() {
    thread_local! {
        static KEPT: RefCell<Option<Sent<BoxedSlot<count, Bytes>>>> = const { RefCell::new(None) };
    }

    let machine = Machine::new();
    for when in [When::after(SOON), When::cancelled()] {
        if cfg!(windows) && when != When::cancelled() {
            // The loader's lock is held then, and the thread that completes the request needs it to start.
            continue;
        }
        let disk = disk(&machine, when);
        let target = target(&disk);
        machine
            .spawn(move || {
                let sent = read(&target, [0; 8], 0, count, Count::default())
                    .send_boxed(passive())
                    .expect("sent");
                KEPT.set(Some(sent));
            })
            .join()
            .expect("no panic");
        assert_eq!(machine.live_irps(), 0);
    }
}

/// Static memory that is no `static`: allocated, leaked, made late, moved before it is lent.
#[test]
fn slots_live_for_ever_in_other_places_than_statics() {
    static LAZY: LazyLock<Slot<count, Bytes>> = LazyLock::new(Slot::new);
    static LEAKED: OnceLock<&'static [Slot<count, Bytes>]> = OnceLock::new();
    static WITHIN: (u8, Option<Slot<count, Bytes>>, u8) = (1, Some(Slot::new()), 2);

    let machine = Machine::new();
    let at = passive();
    let disk = disk(&machine, When::after(SOON));
    let leaked = LEAKED.get_or_init(|| {
        let slots: &'static mut [Slot<_, _>] = vec![Slot::new(), Slot::default()].leak();
        // Still exclusively ours, so they may move.
        let (first, second) = slots.split_at_mut(1);
        std::mem::swap(&mut first[0], &mut second[0]);
        second[0] = std::mem::take(&mut first[0]);
        slots
    });
    let slots = [
        &*LAZY,
        &leaked[0],
        &leaked[1],
        WITHIN.1.as_ref().expect("some"),
    ];
    for _ in 0..2 {
        let mut offset = 0;
        let sent = slots.map(|slot| {
            offset += 10;
            read(disk.target(), [0; 8], offset, count, Count::default())
                .send_in(slot, &at)
                .expect("free")
        });
        for (sent, first) in sent.into_iter().zip([10, 20, 30, 40]).rev() {
            assert_eq!(sent.wait(&at, LONG).buffer()[0], first);
        }
    }
    assert_eq!((WITHIN.0, WITHIN.2), (1, 2));
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
                                let completed = sent.wait(&at, LONG);
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

/// Every breach of the pending contract at once, each polled, cancelled and timed out while it completes.
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
            check(completed.expect("sent"));
        }
        while let Some(sent) = flights.pop() {
            match sent {
                Sent::Completed(completed) => check(completed),
                Sent::InFlight(handle) => {
                    if round % 2 == 0 {
                        handle.cancel();
                    }
                    match handle.try_complete() {
                        Ok(completed) => check(completed),
                        Err(handle) => check(handle.wait(&at, Timeout::milliseconds(1))),
                    }
                }
            }
        }
    }
}

/// Polls from a thread that never waits, against routines that decide at the same moment whether to signal.
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
            let _ = completed_out.send(sent.wait(passive(), LONG));
        }
    });
    let dropper = machine.spawn(move || in_static.into_iter().for_each(drop));
    let target = target(&disk);
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

/// Contexts are moved out of their operations by the routine, put in again, and dropped by another thread meanwhile.
#[test]
fn routine_moves_its_context_out_and_leaves_another_one() {
    struct Moves;
    impl CompletionRoutine for Moves {
        type Context = (Box<[u8]>, mpsc::Sender<Box<[u8]>>);
        fn complete(mut irp: Completing<'_, Self::Context>) -> Signaled<'_> {
            let (payload, out) = irp.context_mut();
            let mut other: Box<[u8]> = vec![2; 100].into();
            std::mem::swap(payload, &mut other);
            out.send(other).expect("somebody listens");
            let (old, out) =
                std::mem::replace(irp.context_mut(), (Box::new([]), mpsc::channel().0));
            out.send(old).expect("somebody listens");
            irp.signal_if_pended()
        }
    }

    let machine = Machine::new();
    let at = passive();
    for when in [When::inline(), When::after(SOON)] {
        let disk = disk(&machine, when);
        let (sender, payloads) = mpsc::channel::<Box<[u8]>>();
        let listener =
            machine.spawn(move || payloads.iter().map(|bytes| bytes.len()).sum::<usize>());
        let completed = read(disk.target(), [0; 8], 0, Moves, (Box::new([1; 10]), sender))
            .send_and_wait(&at, LONG)
            .expect("read");
        assert!(completed.into_parts().0.0.is_empty());
        assert_eq!(listener.join().expect("no panic"), 110);
    }
}

/// A routine that passes its IRP on to another routine by hand, which looks into the context for a type of its own.
#[test]
fn routines_call_each_other_and_downcast_their_context() {
    use std::any::Any;

    struct Inner<T>(PhantomData<T>);
    impl<T: Send + 'static> CompletionRoutine for Inner<T> {
        type Context = Box<dyn Any + Send>;
        fn complete(mut irp: Completing<'_, Self::Context>) -> Signaled<'_> {
            if irp.context().is::<T>() {
                *irp.context_mut() = Box::new("found");
            }
            irp.signal_if_pended()
        }
    }
    struct Outer;
    impl CompletionRoutine for Outer {
        type Context = Box<dyn Any + Send>;
        fn complete(irp: Completing<'_, Self::Context>) -> Signaled<'_> {
            if irp.context().is::<Cell<u64>>() {
                Inner::<Cell<u64>>::complete(irp)
            } else {
                Inner::<String>::complete(irp)
            }
        }
    }

    let machine = Machine::new();
    let at = passive();
    let disk = disk(&machine, When::after(SOON));
    let contexts: [Box<dyn Any + Send>; 3] = [
        Box::new(Cell::new(1_u64)),
        Box::new(String::from("text")),
        Box::new([0_u8; 3]),
    ];
    let found = contexts.map(|context| {
        let completed = read(disk.target(), [0; 8], 0, Outer, context)
            .send_boxed(&at)
            .expect("sent")
            .wait(&at, LONG);
        completed.context().is::<&'static str>()
    });
    assert_eq!(found, [true, true, false]);
}

/// The target's handle, the device's, and the routine's own target are gone before the request is completed.
#[test]
fn handle_outlives_what_it_was_sent_through() {
    static SLOT: Slot<count, &'static mut [u8]> = Slot::new();
    static BYTES: Mutex<Option<&'static mut [u8]>> = Mutex::new(None);

    let machine = Machine::new();
    let at = passive();
    let mut bytes: &'static mut [u8] = Vec::leak(vec![0; 8]);
    for when in [When::after(SOON), When::cancelled()] {
        let sent = {
            let device = disk(&machine, when);
            let target = target(&device);
            let request = read(&target, bytes, 9, count, Count::default());
            drop(device);
            request.send_in(&SLOT, &at).expect("free")
        };
        let completed = sent.wait(&at, Timeout::milliseconds(50));
        bytes = completed.into_parts().1;
        bytes[0] += 1;
        assert_eq!(bytes[0] % 9, 1 + u8::from(when == When::cancelled()));
    }
    *BYTES.lock().expect("no panic") = Some(bytes);
}
