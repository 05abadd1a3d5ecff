//! Tests operations on the heap: each is freed once on every path, and without memory none is lost.
#![deny(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::mem;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use wdm_irp::in_flight::{BoxedSlot, InFlight, Sent, Slot};
use wdm_irp::request::{Armed, Read, Request};
use wdm_irp::sys::STATUS_INSUFFICIENT_RESOURCES;
use wdm_irp::{ByteOffset, Completed, IrpError, TargetDevice, Timeout};
use wdm_irp_sim::{Allocation, Behavior, DeviceOptions, Machine, When};
use wdm_irp_tests::{AnyOutcome, Count, LONG, ZERO, allocate, count, passive};

type Buffer = [u8; 0x567];
type OnHeap = BoxedSlot<count, Buffer>;

/// Tells the slots apart from all else that is allocated here, which has other layouts.
const SLOT: Layout = Layout::new::<Slot<count, Buffer>>();

/// Counts the slots that are allocated.
static SLOTS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// Says whether an allocation of a slot by this thread fails.
    static NO_MEMORY: Cell<bool> = const { Cell::new(false) };
}

/// Allocates like the system, but counts slots, and has none for a thread with `NO_MEMORY` set.
struct Watching;

#[global_allocator]
static WATCHING: Watching = Watching;

#[expect(unsafe_code, reason = "an allocator")]
// SAFETY: each method passes its arguments on to `System`, which fulfills the contract of
// `GlobalAlloc`, and returns what that returns. Only `alloc` may return null instead, for a slot,
// as an allocator does that has no memory. The counter is an atomic, and the thread's flag is
// initialized by a constant and has no destructor, so that neither can panic or allocate.
unsafe impl GlobalAlloc for Watching {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout == SLOT {
            if NO_MEMORY.get() {
                return std::ptr::null_mut();
            }
            SLOTS.fetch_add(1, Ordering::SeqCst);
        }
        // SAFETY: the caller promises that the size of `layout` is not zero, by the contract of
        // `GlobalAlloc::alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        if layout == SLOT {
            SLOTS.fetch_sub(1, Ordering::SeqCst);
        }
        // SAFETY: the caller promises, by the contract of `GlobalAlloc::dealloc`, that `memory` is
        // a block that `alloc` returned for `layout`. Such a block is one of `System`.
        unsafe { System.dealloc(memory, layout) };
    }
}

/// Returns how many slots are allocated.
fn slots() -> usize {
    SLOTS.load(Ordering::SeqCst)
}

/// Lets one test at a time count.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Allocates an IRP and asks it for a read into a buffer that only the tests here use.
fn read(device: &TargetDevice) -> Request<'_, Read, Buffer, Armed<count>> {
    allocate(device)
        .read([7; _], ByteOffset(0))
        .on_completion(count, Count::default())
}

#[test]
fn slot_is_freed_once_on_every_path() {
    fn ran_once(completed: &Completed<count, Buffer>) {
        assert_eq!(completed.context().get(), 1);
    }
    fn until_complete(mut in_flight: InFlight<OnHeap>) {
        while let Err(still) = in_flight.try_complete() {
            in_flight = still;
            std::thread::yield_now();
        }
    }
    let endings: [fn(InFlight<OnHeap>); 4] = [
        |in_flight| ran_once(&in_flight.wait(passive(), LONG).expect("read")),
        |in_flight| ran_once(&in_flight.wait(passive(), ZERO).completed()),
        |in_flight| {
            in_flight.cancel();
            until_complete(in_flight);
        },
        drop,
    ];
    let soon = When::after(Duration::from_millis(1)).cancelable();

    let _alone = alone();
    let machine = Machine::new();
    for when in [When::inline(), soon, soon.unmarked(), When::inline_marked()] {
        let device = machine.device(Behavior::transfer().when(when));
        for ending in endings {
            let sent = read(device.target()).send_boxed(passive()).expect("memory");
            match sent {
                Sent::Completed(outcome) => ran_once(&outcome.expect("read")),
                Sent::InFlight(in_flight) => {
                    assert_eq!(slots(), 1);
                    ending(in_flight);
                }
            }
            assert_eq!(slots(), 0, "{when:?}");
        }
    }
}

#[test]
fn slot_of_a_request_that_is_not_sent_is_freed() {
    let _alone = alone();
    let machine = Machine::new();
    let direct = machine.device_with(DeviceOptions::new("direct").direct(), Behavior::transfer());
    machine.faults().fail(Allocation::Mdl, 0);
    let not_sent = read(direct.target())
        .send_boxed(passive())
        .expect_err("no MDL");
    assert_eq!((not_sent.error, slots()), (IrpError::MdlAllocation, 0));
}

#[test]
fn request_comes_back_if_there_is_no_memory_for_its_slot() {
    let _alone = alone();
    let machine = Machine::new();
    let device = machine.device(Behavior::transfer());
    let request = read(device.target());
    NO_MEMORY.set(true);
    let not_sent = request.send_boxed(passive()).expect_err("no memory");
    NO_MEMORY.set(false);
    assert_eq!(not_sent.error, IrpError::SlotAllocation);
    assert_eq!(not_sent.error.status(), STATUS_INSUFFICIENT_RESOURCES);
    assert!(device.received().is_empty());

    let sent = not_sent.request.send_boxed(passive()).expect("memory");
    let completed = sent.wait(passive(), Timeout::FOREVER).expect("read");
    assert_eq!(completed.context().get(), 1);
}

/// Shows what is documented: nothing frees the slot, because the operation may still use it.
#[test]
#[cfg_attr(miri, ignore = "leaks what it is about")]
fn slot_of_a_leaked_handle_is_leaked() {
    let _alone = alone();
    let machine = Machine::new();
    let device = machine.device(Behavior::transfer().when(When::inline_marked()));
    mem::forget(read(device.target()).send_boxed(passive()));
    assert_eq!(slots(), 1);
    SLOTS.store(0, Ordering::SeqCst);
    assert_eq!(machine.into_report().violations.len(), 1);
}
