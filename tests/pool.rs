//! Tests requests in pool memory: each block is freed once on every path, and without memory no
//! request is lost.
#![forbid(unsafe_code)]

use std::mem;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use wdm_irp::in_flight::{CancellableSlot, Canceller, InFlight, Sent, Storage};
use wdm_irp::request::{Read, Request};
use wdm_irp::sys::STATUS_INSUFFICIENT_RESOURCES;
use wdm_irp::{ByteOffset, IrpError, Timeout};
use wdm_irp_sim::{Allocation, Behavior, DeviceOptions, Machine, ViolationKind, When};
use wdm_irp_tests::{
    AnyOutcome, BoxedSlot, Count, LONG, Target, Watched, ZERO, allocate, count, passive,
};

type InPool = BoxedSlot<count, Watched>;
type Cancellable = CancellableSlot<count, Watched, Target>;

/// Counts the buffers that were dropped.
#[derive(Debug)]
struct Drops(&'static AtomicU32);

impl Drops {
    fn new() -> Self {
        // Where leak checkers find them.
        static ALL: Mutex<Vec<&AtomicU32>> = Mutex::new(Vec::new());
        let drops = Box::leak(Box::default());
        ALL.lock().expect("no panic").push(drops);
        Self(drops)
    }

    /// Allocates an IRP and asks it for a read.
    fn read(&self, device: &Target) -> Request<Target, Read, Watched, count> {
        allocate(device)
            .read(Watched::new(vec![7; 0x567], self.0), ByteOffset(0))
            .on_completion(count, Count::default())
    }

    fn get(&self) -> u32 {
        self.0.load(Ordering::SeqCst)
    }
}

/// Returns how often blocks were allocated and freed.
fn blocks(machine: &Machine) -> (usize, usize) {
    let text = machine.timeline().to_text();
    let times = |function: &str| {
        let calls = text.lines().filter(|line| line.contains(function));
        calls.filter(|line| line.contains("tag 'wIrp'")).count()
    };
    (times("ExAllocatePoolWithTag("), times("ExFreePoolWithTag("))
}

/// Miri, which takes its time, takes every third journey.
const STEP: usize = if cfg!(miri) { 3 } else { 1 };

/// When lower drivers complete a request: at once, soon, never but when it is cancelled.
fn journeys() -> [When; 6] {
    let soon = When::after(Duration::from_millis(1)).cancelable();
    [
        When::inline(),
        soon,
        soon.unmarked(),
        When::inline_marked(),
        When::before_return(),
        When::cancelled(),
    ]
}

fn until_complete<S: Storage>(mut in_flight: InFlight<S>) {
    while let Err(still) = in_flight.try_complete() {
        in_flight = still;
        thread::yield_now();
    }
}

/// Every way in which a handle can end.
fn endings<S: Storage<Routine = count>>() -> [fn(InFlight<S>); 6] {
    [
        |in_flight| drop(in_flight.wait(passive(), Timeout::milliseconds(20))),
        |in_flight| {
            let completed = in_flight.wait(passive(), ZERO).completed();
            assert_eq!(completed.context().get(), 1);
        },
        |in_flight| {
            in_flight.cancel();
            until_complete(in_flight);
        },
        |in_flight| drop(in_flight.wait_for(passive(), ZERO)),
        InFlight::abandon,
        drop,
    ]
}

#[test]
fn slot_is_freed_once_on_every_path() {
    for when in journeys().into_iter().step_by(STEP) {
        for ending in endings::<InPool>() {
            let machine = Machine::new();
            let device = machine.device(Behavior::transfer().when(when));
            let drops = Drops::new();
            let sent = drops.read(device.target()).send_boxed(passive());
            match sent.expect("memory") {
                Sent::Completed(outcome) => {
                    assert_eq!(outcome.expect("read").context().get(), 1);
                }
                Sent::InFlight(in_flight) => {
                    assert_eq!(blocks(&machine).0, 1);
                    ending(in_flight);
                }
            }
            machine.join_drivers();
            assert_eq!((blocks(&machine), drops.get()), ((1, 1), 1), "{when:?}");
            assert_eq!((machine.live_pool_blocks(), machine.live_irps()), (0, 0));
        }
    }
}

/// Whoever may cancel a request keeps its memory and IRP, but not its buffer.
#[test]
fn slot_of_a_request_with_cancellers_is_freed_once_on_every_path() {
    /// Cancels before the handle ends, afterwards, or never.
    #[derive(Clone, Copy, Debug)]
    enum Cancel {
        Before,
        After,
        Never,
    }

    for when in journeys().into_iter().step_by(STEP) {
        for ending in endings::<Cancellable>() {
            for cancel in [Cancel::Before, Cancel::After, Cancel::Never] {
                let machine = Machine::new();
                let device = machine.device(Behavior::transfer().when(when));
                let drops = Drops::new();
                let request = drops.read(device.target());
                let (sent, canceller) = request.send_cancellable(passive()).expect("memory");
                match cancel {
                    Cancel::Before => canceller.cancel(),
                    Cancel::After | Cancel::Never => {}
                }
                match sent {
                    Sent::Completed(outcome) => {
                        assert_eq!(outcome.expect("read").context().get(), 1);
                    }
                    Sent::InFlight(in_flight) => {
                        let another = in_flight.canceller();
                        ending(in_flight);
                        another.cancel();
                    }
                }
                machine.join_drivers();
                assert_eq!((blocks(&machine), drops.get()), ((1, 0), 1), "{when:?}");
                assert_eq!((machine.live_pool_blocks(), machine.live_irps()), (1, 1));
                match cancel {
                    Cancel::After => canceller.cancel(),
                    Cancel::Before | Cancel::Never => {}
                }
                drop(canceller);
                assert_eq!(blocks(&machine), (1, 1), "{when:?} {cancel:?}");
                assert_eq!((machine.live_pool_blocks(), machine.live_irps()), (0, 0));
            }
        }
    }
}

#[test]
fn slot_of_a_request_that_is_not_sent_is_freed() {
    let machine = Machine::new();
    let direct = machine.device_with(DeviceOptions::new("direct").direct(), Behavior::transfer());
    let drops = Drops::new();
    machine.faults().fail(Allocation::Mdl, 0);
    let not_sent = drops
        .read(direct.target())
        .send_boxed(passive())
        .expect_err("no MDL");
    assert_eq!(not_sent.error, IrpError::MdlAllocation);
    assert_eq!((blocks(&machine), drops.get()), ((1, 1), 0));
    machine.faults().fail(Allocation::Mdl, 0);
    let not_sent = not_sent
        .request
        .send_cancellable(passive())
        .expect_err("no MDL");
    assert_eq!(not_sent.error, IrpError::MdlAllocation);
    assert_eq!((blocks(&machine), drops.get()), ((2, 2), 0));
}

#[test]
fn request_comes_back_if_there_is_no_memory_for_its_slot() {
    let machine = Machine::new();
    let device = machine.device(Behavior::transfer());
    let drops = Drops::new();
    machine.fail_next_pool_allocation();
    let request = drops.read(device.target());
    let not_sent = request.send_boxed(passive()).expect_err("no memory");
    assert_eq!(not_sent.error, IrpError::SlotAllocation);
    assert_eq!(not_sent.error.status(), STATUS_INSUFFICIENT_RESOURCES);
    machine.fail_next_pool_allocation();
    let request = not_sent.request;
    let not_sent = request.send_cancellable(passive()).expect_err("no memory");
    assert_eq!(not_sent.error, IrpError::SlotAllocation);
    assert!(device.received().is_empty());
    assert_eq!((blocks(&machine), drops.get()), ((2, 0), 0));

    let sent = not_sent.request.send_boxed(passive()).expect("memory");
    let completed = sent.wait(passive(), LONG).expect("read");
    assert_eq!(completed.context().get(), 1);
}

/// Shows what is documented: nothing frees the slot, because the operation may still use it.
#[test]
#[cfg_attr(miri, ignore = "leaks what it is about")]
fn slot_of_a_leaked_handle_is_leaked() {
    let machine = Machine::new();
    let device = machine.device(Behavior::transfer().when(When::inline_marked()));
    let drops = Drops::new();
    mem::forget(drops.read(device.target()).send_boxed(passive()));
    assert_eq!((blocks(&machine), drops.get()), ((1, 0), 0));
    let report = machine.into_report();
    assert!(report.has(ViolationKind::PoolLeaked), "{report}");
    assert!(report.has(ViolationKind::IrpLeaked), "{report}");
}

/// A canceller that nobody drops is a leak of memory and IRP, and of nothing else.
#[test]
fn leaked_canceller_keeps_neither_buffer_nor_target() {
    let machine = Machine::new();
    let device = machine.device(Behavior::transfer().when(When::inline_marked()));
    let drops = Drops::new();
    let request = drops.read(device.target());
    let (sent, canceller): (_, Canceller) = request.send_cancellable(passive()).expect("memory");
    mem::forget(canceller);
    assert_eq!(sent.wait(passive(), LONG).expect("read").context().get(), 1);
    assert_eq!(drops.get(), 1);
    let report = machine.into_report();
    let mut kinds: Vec<_> = report.violations.iter().map(|found| found.kind).collect();
    kinds.sort();
    assert_eq!(kinds, [ViolationKind::IrpLeaked, ViolationKind::PoolLeaked]);
}
