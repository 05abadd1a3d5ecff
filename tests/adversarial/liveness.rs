//! Programs that aim at liveness: hangs, stale signals, leaks, and ways around a rule.

use std::cell::RefCell;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use wdm_irp::PendingReturned::{Inline, Pended};
use wdm_irp::sys::{
    APC_LEVEL, DISPATCH_LEVEL, STATUS_CANCELLED, STATUS_PENDING, STATUS_SUCCESS,
    STATUS_UNSUCCESSFUL,
};
use wdm_irp::{
    ApcLevel, Armed, BoxedSlot, Completed, Completing, CompletionRoutine, DispatchLevel, InFlight,
    IrpError, PassiveLevel, Read, Request, Sent, Signaled, Slot, TargetDevice, Timeout,
    completion_routine,
};
use wdm_irp_sim::{Allocation, Behavior, Device, DeviceOptions, Machine, Point, When, irql};
use wdm_irp_tests::{Count, LONG, SOON, ZERO, count, disk, done, in_flight, passive, read, target};

type Reading<'d, R> = Request<'d, Read, [u8; 8], Armed<R>>;

/// Every way to complete a request, the legal ones first, then those that break the pending contract.
fn every_journey() -> Vec<When> {
    vec![
        When::inline(),
        When::inline_marked(),
        When::after(SOON),
        When::after(SOON).cancelable(),
        When::before_return(),
        When::cancelled(),
        When::after(SOON).unmarked(),
        When::after(SOON).cancelable().unmarked(),
        When::before_return().unmarked(),
        When::cancelled().unmarked(),
        When::inline().returning(STATUS_PENDING),
        When::inline_marked().returning(STATUS_SUCCESS),
        When::inline_marked().returning(STATUS_UNSUCCESSFUL),
        When::after(SOON).returning(STATUS_SUCCESS),
        When::after(SOON).unmarked().returning(STATUS_UNSUCCESSFUL),
        When::before_return().returning(STATUS_UNSUCCESSFUL),
        When::before_return().unmarked().returning(STATUS_SUCCESS),
        When::cancelled().returning(STATUS_SUCCESS),
        When::cancelled().unmarked().returning(STATUS_SUCCESS),
    ]
}

type Boxed<R> = BoxedSlot<R, [u8; 8]>;
type Ending = fn(Sent<Boxed<count>>);

/// Every way in which an originator can end a request.
const ENDINGS: [Ending; 7] = [
    |sent| check(&sent.wait(passive(), Timeout::milliseconds(5))),
    |sent| check(&sent.wait(passive(), ZERO)),
    drop,
    |sent| {
        let Sent::InFlight(in_flight) = sent else {
            return;
        };
        for _ in 0..3 {
            in_flight.cancel();
        }
        check(&in_flight.wait(passive(), Timeout::FOREVER));
    },
    // A poll makes the originator rely on the event; everything after it must still work.
    |sent| {
        let Sent::InFlight(in_flight) = sent else {
            return;
        };
        match in_flight.try_complete() {
            Ok(completed) => check(&completed),
            Err(in_flight) => check(&in_flight.wait(passive(), ZERO)),
        }
    },
    |sent| {
        if let Sent::InFlight(in_flight) = sent {
            drop(in_flight.try_complete());
        }
    },
    |sent| {
        let Sent::InFlight(mut in_flight) = sent else {
            return;
        };
        in_flight.cancel();
        loop {
            match in_flight.try_complete() {
                Ok(completed) => return check(&completed),
                Err(back) => in_flight = back,
            }
            thread::yield_now();
        }
    },
];

fn check(completed: &Completed<count, [u8; 8]>) {
    assert_eq!(completed.context().get(), 1, "{completed:?}");
    assert!(
        [STATUS_SUCCESS, STATUS_CANCELLED].contains(&completed.status()),
        "{completed:?}"
    );
}

#[test]
fn every_ending_meets_every_breach_of_the_pending_contract() {
    let machine = Machine::new();
    machine.record_timeline(false);
    for (index, when) in every_journey().into_iter().enumerate() {
        let disk = disk(&machine, when);
        let endings = if cfg!(miri) {
            let first = index % ENDINGS.len();
            &ENDINGS[first..=first]
        } else {
            &ENDINGS[..]
        };
        for ending in endings {
            let request = read(disk.target(), [0; 8], 0, count, Count::default());
            ending(request.send_boxed(passive()).expect("memory"));
        }
    }
    assert_eq!(machine.live_irps(), 0);
}

#[test]
fn every_ending_meets_a_completer_that_dwells_at_every_point() {
    let machine = Machine::new();
    machine.record_timeline(false);
    let journeys = [
        When::after(Duration::ZERO).cancelable(),
        When::after(Duration::ZERO).unmarked(),
        When::before_return().returning(STATUS_SUCCESS),
    ];
    let (journeys, endings) = if cfg!(miri) {
        (&journeys[..1], &ENDINGS[..1])
    } else {
        (&journeys[..], &ENDINGS[..])
    };
    for &point in Point::ALL {
        machine.faults().clear();
        machine.faults().delay(point, Duration::from_micros(300));
        for &when in journeys {
            let disk = disk(&machine, when);
            for ending in endings {
                let request = read(disk.target(), [0; 8], 0, count, Count::default());
                ending(request.send_boxed(passive()).expect("memory"));
            }
        }
    }
}

/// The stack is reused at once, so that a completer that comes late would write to the next request.
#[test]
fn time_out_of_zero_races_with_a_completion_on_the_same_stack() {
    let machine = Machine::new();
    machine.record_timeline(false);
    for round in 0..if cfg!(miri) { 4 } else { 150 } {
        let delay = Duration::from_micros(round * 11 % 200);
        let when = match round % 3 {
            0 => When::after(delay),
            1 => When::after(delay).unmarked(),
            _ => When::after(delay).cancelable(),
        };
        let disk = disk(&machine, when);
        let request = read(disk.target(), [0; 8], 0, count, Count::default());
        match request.send_and_wait(passive(), ZERO) {
            Ok(completed) => check(&completed),
            Err(error) => assert_eq!(error.error(), IrpError::TimedOut),
        }
    }
}

#[test]
fn handle_is_forgotten_in_a_scope_after_a_poll_a_cancellation_and_every_breach() {
    let machine = Machine::new();
    machine.record_timeline(false);
    for (index, when) in every_journey().into_iter().enumerate() {
        let disk = disk(&machine, when);
        for polls in [false, true] {
            if cfg!(miri) && polls == (index % 2 == 0) {
                continue;
            }
            let mut block = [0; 8];
            let request = read(disk.target(), &mut block, 0, done, ());
            request
                .send_scoped(passive(), |sent| {
                    let Sent::InFlight(in_flight) = sent else {
                        return;
                    };
                    if !polls {
                        return std::mem::forget(in_flight);
                    }
                    match in_flight.try_complete() {
                        Ok(completed) => assert_eq!(completed.information(), 8),
                        Err(in_flight) => {
                            in_flight.cancel();
                            std::mem::forget(in_flight);
                        }
                    }
                })
                .expect("sent");
            assert_eq!(machine.live_irps(), 0);
            block.fill(1);
        }
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
                    let completed = sent.wait(passive(), LONG);
                    check(&completed);
                    assert_eq!(completed.buffer()[0], offset, "another thread's request");
                }
            });
        }
    });
}

/// The `Completed` of one round is no view of the slot that the next round uses.
#[test]
fn completed_requests_outlive_the_next_rounds_of_their_slot() {
    static SLOT: Slot<count, [u8; 8]> = Slot::new();

    let machine = Machine::new();
    let mut kept = Vec::new();
    for (offset, when) in (0_u8..).zip([When::inline(), When::after(SOON), When::inline_marked()]) {
        let disk = disk(&machine, when);
        let request = read(
            disk.target(),
            [0; 8],
            offset.into(),
            count,
            Count::default(),
        );
        kept.push(
            request
                .send_in(&SLOT, passive())
                .expect("free")
                .wait(passive(), LONG),
        );
    }
    for (offset, completed) in (0_u8..).zip(&mut kept) {
        check(completed);
        assert_eq!(completed.transferred()[0], offset);
    }
}

#[test]
fn slot_in_a_box_that_lives_for_ever() {
    static BOXED: OnceLock<Box<Slot<count, [u8; 8]>>> = OnceLock::new();

    let machine = Machine::new();
    let slot: &'static Slot<_, _> = BOXED.get_or_init(Box::default);
    for when in [When::after(SOON), When::inline()] {
        let disk = disk(&machine, when);
        let request = read(disk.target(), [0; 8], 0, count, Count::default());
        check(
            &request
                .send_in(slot, passive())
                .expect("free")
                .wait(passive(), LONG),
        );
    }
}

#[test]
fn slot_is_free_again_after_a_failed_mdl_and_the_request_is_sent_again() {
    static SLOT: Slot<count, [u8; 8]> = Slot::new();

    let machine = Machine::new();
    for when in [When::inline(), When::after(SOON), When::cancelled()] {
        let disk = machine.device_with(
            DeviceOptions::new("direct").direct(),
            Behavior::transfer().when(when),
        );
        let mut request = read(disk.target(), [0; 8], 7, count, Count::default());
        for _ in 0..3 {
            machine.faults().fail(Allocation::Mdl, 0);
            let failed = request.send_in(&SLOT, passive()).expect_err("no MDL");
            assert_eq!(failed.error, IrpError::MdlAllocation);
            machine.faults().fail(Allocation::Mdl, 0);
            let failed = failed.request.send_boxed(passive()).expect_err("no MDL");
            machine.faults().fail(Allocation::Mdl, 0);
            let failed = failed
                .request
                .send_scoped::<_, _, ()>(passive(), |_| unreachable!("not sent"))
                .expect_err("no MDL");
            request = failed.request;
        }
        let completed = request
            .send_in(&SLOT, passive())
            .expect("free")
            .wait(passive(), Timeout::milliseconds(20));
        check(&completed);
        assert_eq!((machine.live_irps(), machine.live_mdls()), (0, 0));
    }
}

/// Panics when it is dropped, once.
#[derive(Debug)]
struct Fuse(bool);

impl Drop for Fuse {
    fn drop(&mut self) {
        assert!(!std::mem::replace(&mut self.0, false), "the context panics");
    }
}

#[completion_routine]
fn arm(mut irp: Completing<'_, Fuse>) -> Signaled<'_> {
    irp.context_mut().0 = true;
    irp.signal_if_pended()
}

fn defused<R: CompletionRoutine<Context = Fuse>>(mut completed: Completed<R, [u8; 8]>) {
    assert!(completed.context().0);
    assert_eq!(completed.transferred().len(), 8);
    let (mut fuse, _) = completed.into_parts();
    fuse.0 = false;
}

#[test]
fn context_that_panics_in_its_drop_loses_neither_irp_nor_slot_nor_heap() {
    static SLOT: Slot<arm, [u8; 8]> = Slot::new();

    fn panics(program: impl FnOnce()) {
        let panic = catch_unwind(AssertUnwindSafe(program)).expect_err("panics");
        assert_eq!(panic.downcast_ref(), Some(&"the context panics"));
    }

    let machine = Machine::new();
    for when in [
        When::inline(),
        When::after(SOON),
        When::after(SOON).unmarked(),
        When::inline_marked(),
    ] {
        let disk = disk(&machine, when);
        let request = || read(disk.target(), [0; 8], 0, arm, Fuse(false));
        panics(|| drop(request().send_in(&SLOT, passive()).expect("free")));
        panics(|| drop(request().send_boxed(passive()).expect("memory")));
        panics(|| drop(request().send_scoped(passive(), |sent| drop(sent))));
        panics(|| {
            let sent = request().send_scoped(passive(), |sent| match sent {
                Sent::Completed(completed) => drop(completed),
                Sent::InFlight(in_flight) => std::mem::forget(in_flight),
            });
            drop(sent);
        });
        panics(|| drop(request().send_and_wait(passive(), LONG)));
        assert_eq!(machine.live_irps(), 0);
        let sent = request().send_in(&SLOT, passive()).expect("free again");
        defused(sent.wait(passive(), LONG));
    }
}

#[test]
fn scope_unwinds_while_it_holds_a_completed_request_and_others_are_in_flight() {
    let machine = Machine::new();
    let inline = disk(&machine, When::inline());
    let stuck = disk(&machine, When::cancelled().unmarked());
    let contexts = Arc::new(());
    let request = |disk| read_arc(disk, &contexts);
    let panic = catch_unwind(AssertUnwindSafe(|| {
        request(&stuck).send_scoped(passive(), |outer| {
            std::mem::forget(outer);
            request(&stuck).send_scoped(passive(), |middle| {
                request(&inline).send_scoped(passive(), |inner| {
                    assert!(matches!(inner, Sent::InFlight(_)), "completed inline");
                    drop(middle);
                })
            })
        })
    }));
    assert!(panic.is_err());
    assert_eq!((machine.live_irps(), Arc::strong_count(&contexts)), (0, 1));
}

#[completion_routine]
fn shared(irp: Completing<'_, Arc<()>>) -> Signaled<'_> {
    irp.signal_if_pended()
}

fn read_arc<'d>(disk: &'d Device, context: &Arc<()>) -> Reading<'d, shared> {
    read(disk.target(), [0; 8], 0, shared, context.clone())
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
                    // Whoever comes last waits, and frees.
                    drop(handle);
                })
            })
            .collect();
        drop(handle);
        for thread in threads {
            thread.join().expect("no panic");
        }
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
                    sent.wait(passive(), ZERO).status()
                }));
            });
        })
        .expect("sent");
    assert_eq!(block, [5, 6, 7, 8, 9, 10, 11, 12]);
}

/// The slot is not free before the originator has taken its request back, whatever the routine has said.
#[test]
fn routine_sends_into_the_slot_that_it_completes_from() {
    static SLOT: Slot<again, [u8; 8]> = Slot::new();

    #[completion_routine]
    fn again(mut irp: Completing<'_, Option<Again>>) -> Signaled<'_> {
        let at = irp.irql();
        let first = irp.context_mut().as_mut().expect("of the first request");
        let request = read(&first.disk, [0; 8], 0, again, None);
        first.refused = request.send_in(&SLOT, at).err().map(IrpError::from);
        irp.signal_if_pended()
    }

    struct Again {
        disk: TargetDevice,
        refused: Option<IrpError>,
    }

    let machine = Machine::new();
    for when in [
        When::inline(),
        When::after(SOON),
        When::before_return().unmarked(),
    ] {
        let disk = disk(&machine, when);
        let context = Again {
            disk: target(&disk),
            refused: None,
        };
        let request = read(disk.target(), [0; 8], 0, again, Some(context));
        let completed = request
            .send_in(&SLOT, passive())
            .expect("free")
            .wait(passive(), LONG);
        let context = completed.context().as_ref().expect("given back");
        assert_eq!(context.refused, Some(IrpError::SlotInUse));
    }
}

/// After its signal a routine owns nothing, so it may meet the originator, who uses the slot again.
#[test]
fn routine_sends_into_its_own_slot_after_the_signal() {
    type Static = &'static Slot<late, [u8; 8]>;
    static SLOT: Slot<late, [u8; 8]> = Slot::new();
    static SENT: Mutex<Option<Sent<Static>>> = Mutex::new(None);

    #[completion_routine]
    fn late(mut irp: Completing<'_, Option<TargetDevice>>) -> Signaled<'_> {
        let (at, disk) = (irp.irql(), irp.context_mut().take());
        let token = irp.signal_if_pended();
        if let Some(disk) = disk
            && let Ok(sent) = read(&disk, [0; 8], 1, late, None).send_in(&SLOT, at)
        {
            *SENT.lock().unwrap_or_else(PoisonError::into_inner) = Some(sent);
        }
        token
    }

    let machine = Machine::new();
    machine.record_timeline(false);
    machine
        .faults()
        .delay(Point::AfterSetEvent, Duration::from_micros(100));
    for round in 0..if cfg!(miri) { 3 } else { 40 } {
        let disk = disk(&machine, When::after(Duration::from_micros(round % 4 * 50)));
        let request = read(disk.target(), [0; 8], 0, late, Some(target(&disk)));
        let sent = request.send_in(&SLOT, passive()).expect("free");
        assert_eq!(
            *sent.wait(passive(), LONG).buffer(),
            [0, 1, 2, 3, 4, 5, 6, 7]
        );
        // The routine of the first request may still be at it, and with it the target's last use.
        machine.settle();
        let second = SENT.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(second) = second {
            assert_eq!(
                *second.wait(passive(), LONG).buffer(),
                [1, 2, 3, 4, 5, 6, 7, 8]
            );
        }
    }
}

/// The routine takes its own request back as soon as it has signalled, at `DISPATCH_LEVEL`, and with it frees the memory that
/// it was called with.
#[test]
fn routine_reclaims_its_own_request_after_the_signal() {
    type Mailbox = Arc<Mutex<Option<InFlight<Boxed<reclaims>>>>>;

    #[completion_routine]
    fn reclaims(irp: Completing<'_, (bool, Mailbox)>) -> Signaled<'_> {
        let (polls, mailbox) = irp.context();
        let mine = mailbox.lock().expect("not poisoned").take();
        let mut mine = mine.expect("put there before the completion");
        if *polls {
            mine = mine.try_complete().expect_err("not before the signal");
        }
        mine.cancel();
        let token = irp.signal_if_pended();
        let completed = mine.try_complete().expect("signalled");
        assert_eq!(completed.status(), STATUS_SUCCESS);
        drop(completed);
        token
    }

    let machine = Machine::new();
    for polls in [false, true] {
        for when in [When::triggered(), When::triggered().unmarked()] {
            let disk = disk(&machine, when);
            let mailbox = Mailbox::default();
            let request = read(disk.target(), [0; 8], 0, reclaims, (polls, mailbox.clone()));
            let sent = request.send_boxed(passive()).expect("memory");
            *mailbox.lock().expect("not poisoned") = Some(in_flight(sent));
            let _raised = irql::raise(DISPATCH_LEVEL);
            assert!(disk.complete_next(STATUS_SUCCESS, 8));
            assert_eq!((machine.live_irps(), Arc::strong_count(&mailbox)), (0, 1));
        }
    }
}

/// Each context owns the handle of the request that its routine has sent; dropping the first settles all.
#[test]
fn chain_of_requests_that_own_each_other_is_settled_by_its_head() {
    struct Link {
        left: u8,
        disk: Arc<TargetDevice>,
        next: Option<Box<Sent<Boxed<link>>>>,
    }

    #[completion_routine]
    fn link(mut irp: Completing<'_, Link>) -> Signaled<'_> {
        let at = irp.irql();
        let this = irp.context_mut();
        if let Some(left) = this.left.checked_sub(1) {
            let disk = this.disk.clone();
            let next = Link {
                left,
                disk: disk.clone(),
                next: None,
            };
            this.next = read(&disk, [0; 8], 0, link, next)
                .send_boxed(at)
                .ok()
                .map(Box::new);
        }
        irp.signal_if_pended()
    }

    let machine = Machine::new();
    for when in [
        When::inline(),
        When::after(SOON),
        When::after(SOON).unmarked(),
    ] {
        let disk = disk(&machine, when);
        let alive = Arc::new(target(&disk));
        let context = Link {
            left: 4,
            disk: alive.clone(),
            next: None,
        };
        let sent = read(disk.target(), [0; 8], 0, link, context).send_boxed(passive());
        drop(sent.expect("memory"));
        assert_eq!((machine.live_irps(), Arc::strong_count(&alive)), (0, 1));
    }
}

/// A handle that is kept for its thread is settled when the thread ends.
#[test]
#[cfg_attr(
    windows,
    ignore = "the loader's lock is held then, and the thread that completes the request needs it to start"
)]
fn handle_in_a_thread_local_is_settled_at_the_end_of_its_thread() {
    thread_local! {
        static KEPT: RefCell<Option<InFlight<Boxed<shared>>>> = const { RefCell::new(None) };
    }

    let machine = Machine::new();
    let contexts = Arc::new(());
    let (slow, context) = (disk(&machine, When::after(SOON)), contexts.clone());
    machine
        .spawn(move || {
            let sent = read_arc(&slow, &context).send_boxed(passive());
            KEPT.set(Some(in_flight(sent.expect("memory"))));
        })
        .join()
        .expect("no panic");
    assert_eq!((machine.live_irps(), Arc::strong_count(&contexts)), (0, 1));
}

/// Two routines as one, written by hand: generic, with an associated constant, by way of a function pointer.
#[test]
fn routine_written_by_hand_delegates_to_others() {
    struct Either<A, B, const FIRST: bool>(PhantomData<fn(A, B)>);

    impl<A, B, const FIRST: bool> Either<A, B, FIRST>
    where
        A: CompletionRoutine,
        B: CompletionRoutine<Context = A::Context>,
    {
        const CHOSEN: fn(Completing<'_, A::Context>) -> Signaled<'_> =
            if FIRST { A::complete } else { B::complete };
    }

    impl<A, B, const FIRST: bool> CompletionRoutine for Either<A, B, FIRST>
    where
        A: CompletionRoutine,
        B: CompletionRoutine<Context = A::Context>,
    {
        type Context = A::Context;

        fn complete(irp: Completing<'_, Self::Context>) -> Signaled<'_> {
            let chosen: &dyn for<'irp> Fn(Completing<'irp, A::Context>) -> Signaled<'irp> =
                &Self::CHOSEN;
            chosen(irp)
        }
    }

    #[completion_routine]
    fn twice(irp: Completing<'_, Count>) -> Signaled<'_> {
        irp.context().add();
        // A routine may hand its IRP to another one, whose token is its own then.
        match irp.pending_returned() {
            Pended(irp) => {
                irp.context().add();
                irp.signal()
            }
            Inline(irp) => {
                irp.context().add();
                irp.finish()
            }
        }
    }

    fn counted<const FIRST: bool>(disk: &Device) -> u32 {
        let routine = Either::<count, twice, FIRST>(PhantomData);
        let request = read(disk.target(), [0; 8], 0, routine, Count::default());
        let completed = request.send_and_wait(passive(), LONG).expect("read");
        completed.context().get()
    }

    let machine = Machine::new();
    for when in [When::inline(), When::after(SOON), When::inline_marked()] {
        let disk = disk(&machine, when);
        assert_eq!((counted::<true>(&disk), counted::<false>(&disk)), (1, 2));
    }
}

/// The routine value itself has a destructor, and panics in it.
#[test]
fn routine_value_that_panics_in_its_drop_leaks_no_irp() {
    struct Value;

    impl Drop for Value {
        fn drop(&mut self) {
            panic!("the value of the routine");
        }
    }

    impl CompletionRoutine for Value {
        type Context = Arc<()>;

        fn complete(irp: Completing<'_, Arc<()>>) -> Signaled<'_> {
            irp.signal_if_pended()
        }
    }

    let machine = Machine::new();
    let disk = disk(&machine, When::inline());
    let context = Arc::new(());
    let panic = catch_unwind(AssertUnwindSafe(|| {
        drop(read(disk.target(), [0; 8], 0, Value, context.clone()));
    }));
    assert!(panic.is_err());
    assert_eq!((machine.live_irps(), Arc::strong_count(&context)), (0, 1));
}

#[test]
fn originator_at_dispatch_level_gets_no_proof_and_polls_to_the_end() {
    static SLOT: Slot<count, [u8; 8]> = Slot::new();

    let machine = Machine::new();
    for when in [
        When::inline(),
        When::before_return(),
        When::after(SOON),
        When::after(SOON).unmarked(),
        When::cancelled(),
    ] {
        let disk = disk(&machine, when);
        let _raised = irql::raise(DISPATCH_LEVEL);
        assert_eq!(
            PassiveLevel::check().err().map(|high| high.current),
            Some(2)
        );
        assert_eq!(ApcLevel::check().err().map(|high| high.highest), Some(1));
        let at = DispatchLevel::check().expect("DISPATCH_LEVEL");
        let request = read(disk.target(), [0; 8], 0, count, Count::default());
        match request.send_in(&SLOT, &at).expect("free") {
            Sent::Completed(completed) => check(&completed),
            Sent::InFlight(mut in_flight) => loop {
                in_flight.cancel();
                match in_flight.try_complete() {
                    Ok(completed) => break check(&completed),
                    Err(back) => in_flight = back,
                }
                thread::yield_now();
            },
        }
    }
    assert!(machine.waits().iter().all(|wait| wait.timeout == Some(0)));
}

/// At `APC_LEVEL` and with proofs of it only, scopes and waits work; the level is the same at the end.
#[test]
fn originator_at_apc_level_waits_in_nested_scopes() {
    let machine = Machine::new();
    let (fast, slow) = (
        disk(&machine, When::inline()),
        disk(&machine, When::cancelled()),
    );
    let _raised = irql::raise(APC_LEVEL);
    assert!(PassiveLevel::check().is_err());
    let at = ApcLevel::check().expect("APC_LEVEL");
    let status = read(slow.target(), [0; 8], 0, count, Count::default())
        .send_scoped(&at, |outer| {
            let inner = read(fast.target(), [0; 8], 0, count, Count::default());
            check(&inner.send_and_wait(&at, ZERO).expect("read"));
            outer.wait(&at, Timeout::milliseconds(1)).status()
        })
        .expect("sent");
    assert_eq!((status, irql::current()), (STATUS_CANCELLED, APC_LEVEL));
}

/// A routine that runs at `PASSIVE_LEVEL` may prove that, and wait for the request of another device.
#[test]
fn routine_at_passive_level_waits_for_another_request() {
    #[completion_routine]
    fn waits(mut irp: Completing<'_, (TargetDevice, Option<i32>)>) -> Signaled<'_> {
        let (disk, status) = irp.context_mut();
        if let Ok(at) = PassiveLevel::check() {
            let request = read(disk, [0; 8], 0, done, ());
            *status = request
                .send_and_wait(&at, LONG)
                .ok()
                .map(|completed| completed.status());
        }
        irp.signal_if_pended()
    }

    let machine = Machine::new();
    let inner = disk(&machine, When::after(SOON));
    for (irql, expected) in [(0, Some(STATUS_SUCCESS)), (DISPATCH_LEVEL, None)] {
        let outer = machine.device(
            Behavior::transfer()
                .when(When::after(SOON).unmarked())
                .at_irql(irql),
        );
        let request = read(outer.target(), [0; 8], 0, waits, (target(&inner), None));
        let completed = request.send_and_wait(passive(), LONG).expect("read");
        assert_eq!(completed.context().1, expected);
    }
}

/// An error that is turned into another one by `?` while the slot holds an older request leaves that alone.
#[test]
fn refused_request_leaves_the_one_in_the_slot_alone() {
    static SLOT: Slot<shared, [u8; 8]> = Slot::new();

    fn second(disk: &Device, context: &Arc<()>) -> Result<(), IrpError> {
        let sent = read_arc(disk, context).send_in(&SLOT, passive())?;
        drop(sent);
        Ok(())
    }

    let machine = Machine::new();
    let disk = disk(&machine, When::triggered());
    let context = Arc::new(());
    let first = in_flight(
        read_arc(&disk, &context)
            .send_in(&SLOT, passive())
            .expect("free"),
    );
    assert_eq!(second(&disk, &context), Err(IrpError::SlotInUse));
    assert_eq!((disk.pending(), Arc::strong_count(&context)), (1, 2));
    let first = first.try_complete().expect_err("held back");
    assert!(disk.complete_next(STATUS_SUCCESS, 8));
    assert_eq!(first.try_complete().expect("completed").information(), 8);
    assert_eq!(Arc::strong_count(&context), 1);
}

/// A signal that comes before the originator knows that the request has pended, again and again through one slot, must
/// not be taken for that of a later round.
#[test]
fn early_signals_do_not_leak_into_later_rounds() {
    static SLOT: Slot<numbered, [u8; 8]> = Slot::new();
    static COMPLETIONS: AtomicU32 = AtomicU32::new(0);

    #[completion_routine]
    fn numbered(mut irp: Completing<'_, u32>) -> Signaled<'_> {
        *irp.context_mut() = COMPLETIONS.fetch_add(1, Ordering::Relaxed);
        irp.signal_if_pended()
    }

    let machine = Machine::new();
    machine.record_timeline(false);
    let journeys = every_journey();
    let rounds: u32 = if cfg!(miri) { 10 } else { 200 };
    for round in 0..rounds {
        // Neighbours in every order, eventually.
        let (index, journey_count) = (round as usize, journeys.len());
        let when = journeys[index * (1 + index / journey_count) % journey_count];
        let disk = disk(&machine, when);
        let request = read(disk.target(), [0; 8], 0, numbered, u32::MAX);
        let sent = request.send_in(&SLOT, passive()).expect("free");
        let completed = match (round % 3, sent) {
            (0, sent) => sent.wait(passive(), ZERO),
            (1, Sent::InFlight(in_flight)) => match in_flight.try_complete() {
                Ok(completed) => completed,
                Err(in_flight) => in_flight.wait(passive(), Timeout::milliseconds(4)),
            },
            (_, sent) => sent.wait(passive(), Timeout::milliseconds(4)),
        };
        assert_eq!(
            *completed.context(),
            round,
            "completed after it was given back"
        );
    }
}
