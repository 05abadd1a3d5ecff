//! Programs that aim at the memory of a request: alignment, size, false claims about it.

use std::cell::Cell;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::rc::Rc;
use std::sync::Arc;

use static_assertions::assert_not_impl_any;
use wdm_irp::buffer::{IoBuffer, SystemBuffer};
use wdm_irp::in_flight::Sent;
use wdm_irp::request::{Read, Request};
use wdm_irp::routine::CompletionRoutine;
use wdm_irp::sys::STATUS_SUCCESS;
use wdm_irp::{ByteOffset, Completing, Irp, IrpError, Signaled};
use wdm_irp_sim::{Behavior, DeviceOptions, Machine, When};
use wdm_irp_tests::{
    Completed, Count, LONG, Pair, SOON, Slot, Target, allocate, codes, count, disk, done,
    every_way, pair, passive, read,
};

use super::common::{Bytes, ROUNDS};

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
fn everywhere<R, B>(
    slot: &'static Slot<R, B>,
    request: impl Fn() -> Request<Target, Read, B, R>,
    check: impl Fn(Completed<R, B>),
) where
    R: CompletionRoutine,
    B: IoBuffer + 'static,
{
    for outcome in every_way(slot, request) {
        check(outcome.expect("read"));
    }
}

#[derive(Debug, Default)]
#[repr(align(64))]
pub(super) struct Line([u8; 3]);

#[derive(Debug, Default)]
#[repr(align(4096))]
pub(super) struct Page(u8);

#[derive(Debug, Default)]
#[repr(align(4096))]
pub(super) struct NoPage;

/// Notes whether its context is aligned as its type says.
pub(super) struct Aligned<T>(pub(super) PhantomData<T>);

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
                let (line, misaligned_by) = completed.into_parts().1;
                assert_eq!((line.0, misaligned_by), ([1, 2, 3], Some(0)));
            },
        );
        everywhere(
            &PAGE,
            || read(disk, [0; 8], 1, Aligned(PhantomData), (Page(7), None)),
            |completed| {
                assert_eq!(*completed.buffer(), [1, 2, 3, 4, 5, 6, 7, 8]);
                let (page, misaligned_by) = completed.into_parts().1;
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
                .wait(&at, LONG)
                .expect("read");
            assert!(completed.into_parts().0.is_empty());
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
                .wait(&at, LONG)
                .expect("read");
            assert_eq!(completed.transferred(), [0xA5; 8]);
            assert_eq!(completed.information(), claim);
            let bytes = completed.transferred().to_vec();
            let (mut room, ()) = completed.into_parts();
            room.extend_from_slice(&bytes);
            room.reserve(1024);
            assert_eq!(room, [0xA5; 16]);
        }
    }
}

/// The buffers begin and end within pages, and the driver writes to all of their bytes.
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
            .wait(&at, LONG)
            .expect("read");
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

/// Both buffers of a request are parts of one array, while the parts around them are written to.
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
            .send_scoped(&at, |sent| match sent {
                Sent::Completed(outcome) => drop(outcome),
                Sent::InFlight(in_flight) => std::mem::forget(in_flight),
            })
            .expect("sent");
        array.fill(0);
        assert_eq!(array, [0; 9]);
    }
}

/// The request moves between the attempts: the IRP must not remember where its buffer was.
#[test]
fn request_that_could_not_be_sent_is_sent_from_other_memory() {
    static SLOT: wdm_irp::in_flight::Slot<count, Bytes, Pair> = wdm_irp::in_flight::Slot::new();
    static OTHER: wdm_irp::in_flight::Slot<count, Bytes, Pair> = wdm_irp::in_flight::Slot::new();

    let machine = Machine::new();
    let at = passive();
    let direct = machine.device_with(DeviceOptions::new("direct").direct(), Behavior::transfer());
    let stuck = machine.device_with(
        DeviceOptions::new("stuck").direct(),
        Behavior::transfer().when(When::cancelled()),
    );
    let direct = pair(&direct, &direct);
    let blocks = Irp::allocate(pair(&stuck, &stuck))
        .expect("memory")
        .read([0; 8], ByteOffset(0))
        .on_completion(count, Count::default())
        .send_in(&SLOT, &at)
        .expect("sent");
    for _ in 0..ROUNDS {
        let request = Irp::allocate(direct.clone())
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
        let completed = moved
            .send_in(&OTHER, &at)
            .expect("sent")
            .wait(&at, LONG)
            .expect("read");
        assert_eq!(*completed.buffer(), [3, 4, 5, 6, 7, 8, 9, 10]);
        assert_eq!(completed.context().get(), 1);
    }
    drop(blocks);
}
