//! Requests that nobody waits for any more: no destructor waits, and the last of handle and routine
//! drops what is left.
//!
//! Hazard [H40](../../docs/hazards.md#h40).

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use wdm_irp::in_flight::Sent;
use wdm_irp::request::{Read, Request};
use wdm_irp::routine::CompletionRoutine;
use wdm_irp::sys::{DISPATCH_LEVEL, STATUS_SUCCESS};
use wdm_irp::{ByteOffset, Completing, IrpError, PassiveLevel, Signaled, completion_routine};
use wdm_irp_sim::{DelayPoint, Device, Machine, When, irql};
use wdm_irp_tests::{
    BoxedSlot, LONG, SOON, Slot, Target, Watched, allocate, disk, in_flight, passive, read,
};

/// A context that can be counted.
type Shared = Arc<()>;

#[completion_routine]
fn shared(irp: Completing<'_, Shared>) -> Signaled<'_> {
    irp.signal_if_pended()
}

type Reading = Request<Target, Read, Watched, shared>;

/// Prepares a read whose context and buffer can be counted.
fn request(disk: &Device, context: &Shared, buffers: &'static AtomicU32) -> Reading {
    allocate(disk.target())
        .read(Watched::new(vec![0; 8], buffers), ByteOffset(0))
        .on_completion(shared, context.clone())
}

/// A slot for one of the tests.
type Static = &'static Slot<shared, Watched>;

/// The ways to send a request that can be abandoned.
const SENDS: [fn(Reading, Static, &PassiveLevel); 5] = [
    |request, _, at| drop(request.send_boxed(at).expect("memory")),
    |request, _, at| in_flight(request.send_boxed(at).expect("memory")).abandon(),
    |request, slot, at| drop(request.send_in(slot, at).expect("free")),
    |request, slot, at| {
        let sent = in_flight(request.send_in(slot, at).expect("free"));
        // Whoever has polled has announced that it waits.
        sent.try_complete().expect_err("in flight").abandon();
    },
    |request, _, at| drop(request.send_cancellable(at).expect("memory")),
];

#[test]
fn h40_drop_does_not_wait_and_the_routine_drops_what_is_left() {
    static SLOT: Slot<shared, Watched> = Slot::new();
    static BUFFERS: AtomicU32 = AtomicU32::new(0);

    let machine = Machine::new();
    let at = passive();
    for when in [When::triggered(), When::triggered().unmarked()] {
        let disk = disk(&machine, when);
        for send in SENDS {
            let context = Arc::new(());
            BUFFERS.store(0, Ordering::SeqCst);
            send(request(&disk, &context, &BUFFERS), &SLOT, &at);
            assert_eq!((machine.live_irps(), Arc::strong_count(&context)), (1, 2));
            assert!(disk.complete_next(STATUS_SUCCESS, 8));
            assert_eq!((machine.live_irps(), Arc::strong_count(&context)), (0, 1));
            assert_eq!(BUFFERS.load(Ordering::SeqCst), 1);
            assert_eq!(machine.live_pool_blocks(), 0);
        }
    }
    let waited = machine.waits();
    assert!(waited.iter().all(|wait| wait.timeout == Some(0)), "a poll");
}

/// Whoever drops the handle later than the routine leaves drops what is left.
#[test]
fn h40_dropper_drops_what_is_left_if_the_routine_was_faster() {
    static SLOT: Slot<shared, Watched> = Slot::new();
    static BUFFERS: AtomicU32 = AtomicU32::new(0);

    let machine = Machine::new();
    let at = passive();
    let disk = disk(&machine, When::before_return());
    for send in [SENDS[0], SENDS[2], SENDS[4]] {
        let context = Arc::new(());
        BUFFERS.store(0, Ordering::SeqCst);
        send(request(&disk, &context, &BUFFERS), &SLOT, &at);
        machine.join_drivers();
        assert_eq!((machine.live_irps(), Arc::strong_count(&context)), (0, 1));
        assert_eq!(BUFFERS.load(Ordering::SeqCst), 1);
    }
    assert!(machine.waits().is_empty());
}

/// Nobody but this thread would complete the second request.
#[test]
fn h40_routine_drops_the_handle_of_a_request_that_its_thread_has_to_complete() {
    type Other = Sent<BoxedSlot<shared, Watched>>;

    static BUFFERS: AtomicU32 = AtomicU32::new(0);

    #[completion_routine]
    fn drops(mut irp: Completing<'_, Option<Other>>) -> Signaled<'_> {
        drop(irp.context_mut().take().expect("in flight"));
        irp.signal_if_pended()
    }

    let machine = Machine::new();
    let at = passive();
    for when in [When::triggered(), When::triggered().unmarked()] {
        let disk = disk(&machine, when);
        let context = Arc::new(());
        let other = request(&disk, &context, &BUFFERS).send_boxed(&at);
        let last = disk.take_next().expect("in flight");
        let request = read(
            disk.target(),
            [0; 8],
            0,
            drops,
            Some(other.expect("memory")),
        );
        let sent = request.send_boxed(&at).expect("memory");
        {
            let _raised = irql::raise(DISPATCH_LEVEL);
            assert!(disk.complete_next(STATUS_SUCCESS, 8));
            assert_eq!(Arc::strong_count(&context), 2, "in flight still");
            last.complete(STATUS_SUCCESS, 8);
        }
        assert_eq!(Arc::strong_count(&context), 1);
        assert!(sent.wait(&at, LONG).expect("read").context().is_none());
    }
}

/// A routine that drops the handle of its own request neither waits nor frees what it works on.
#[test]
fn h40_routine_drops_its_own_handle() {
    struct DropsItself;

    type Own = (Mutex<Option<Sent<BoxedSlot<DropsItself, [u8; 8]>>>>, Shared);

    impl CompletionRoutine for DropsItself {
        type Context = Arc<Own>;

        fn complete(irp: Completing<'_, Arc<Own>>) -> Signaled<'_> {
            let own = irp.context().0.lock().expect("no panic").take();
            drop(own.expect("put there before the completion"));
            assert_eq!(Arc::strong_count(&irp.context().1), 2, "not dropped yet");
            irp.signal_if_pended()
        }
    }

    let machine = Machine::new();
    for when in [When::triggered(), When::triggered().unmarked()] {
        let disk = disk(&machine, when);
        let alive = Arc::new(());
        let own = Arc::new((Mutex::new(None), alive.clone()));
        let request = read(disk.target(), [0; 8], 0, DropsItself, own.clone());
        let sent = request.send_boxed(passive()).expect("memory");
        *own.0.lock().expect("no panic") = Some(sent);
        drop(own);
        assert!(disk.complete_next(STATUS_SUCCESS, 8));
        assert_eq!((machine.live_irps(), Arc::strong_count(&alive)), (0, 1));
    }
}

#[test]
fn h40_slot_of_an_abandoned_request_is_free_once_the_routine_has_left() {
    static SLOT: Slot<shared, Watched> = Slot::new();
    static BUFFERS: AtomicU32 = AtomicU32::new(0);

    let machine = Machine::new();
    let at = passive();
    let context = Arc::new(());
    let disk = disk(&machine, When::triggered());
    for _ in 0..3 {
        drop(request(&disk, &context, &BUFFERS).send_in(&SLOT, &at));
        let refused = request(&disk, &context, &BUFFERS).send_in(&SLOT, &at);
        assert_eq!(refused.expect_err("in flight").error, IrpError::SlotInUse);
        assert!(disk.complete_next(STATUS_SUCCESS, 8));
    }
}

/// The routine of an earlier round may still be on its way out when a later one is abandoned.
#[test]
fn h40_slot_is_abandoned_while_the_routine_of_an_earlier_round_leaves() {
    static SLOT: Slot<shared, Watched> = Slot::new();
    static BUFFERS: AtomicU32 = AtomicU32::new(0);

    let machine = Machine::new();
    let at = passive();
    machine.faults().delay(DelayPoint::AfterSetEvent, SOON);
    let context = Arc::new(());
    let slow = disk(&machine, When::after(SOON));
    let stuck = disk(&machine, When::cancelled());
    for _ in 0..if cfg!(miri) { 1 } else { 10 } {
        let sent = request(&slow, &context, &BUFFERS).send_in(&SLOT, &at);
        drop(sent.expect("free").wait(&at, LONG).expect("read"));
        let sent = request(&stuck, &context, &BUFFERS).send_in(&SLOT, &at);
        drop(sent.expect("free"));
        machine.join_drivers();
        assert_eq!((machine.live_irps(), Arc::strong_count(&context)), (0, 1));
    }
}

#[test]
fn h40_end_of_a_scope_waits_for_a_handle_that_was_dropped() {
    let machine = Machine::new();
    let at = passive();
    for when in [When::after(SOON), When::after(SOON).unmarked()] {
        let disk = disk(&machine, when);
        let mut sector = [0; 8];
        let context = Arc::new(());
        let request = read(disk.target(), &mut sector, 0, shared, context.clone());
        let dropped = request.send_scoped(&at, |sent| {
            let before = machine.waits().len();
            drop(sent);
            assert_eq!(machine.waits().len(), before, "the drop does not wait");
        });
        // The end has waited: the driver writes the data when it completes the request.
        dropped.expect("sent");
        assert_eq!(sector, [0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!((machine.live_irps(), Arc::strong_count(&context)), (0, 1));
    }
}
