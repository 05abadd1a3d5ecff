//! Routines that reach their own operation: through its handle, its slot, or a context that sends.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use wdm_irp::in_flight::{InFlight, Sent};
use wdm_irp::irql::DispatchLevel;
use wdm_irp::routine::CompletionRoutine;
use wdm_irp::sys::{DISPATCH_LEVEL, STATUS_SUCCESS};
use wdm_irp::{Completing, IrpError, Signaled, completion_routine};
use wdm_irp_sim::{DelayPoint, Machine, When, irql};
use wdm_irp_tests::{BoxedSlot, LONG, SOON, Slot, Target, disk, in_flight, passive, read};

use super::common::{Boxed, Bytes, ROUNDS};

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
                Sent::Completed(outcome) => outcome.expect("read"),
                Sent::InFlight(handle) => {
                    handle.try_complete().expect("has finished").expect("read")
                }
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

/// Routine and originator both take the handle, whoever comes first.
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
                let completed = mine.wait(&at, LONG).expect("read");
                assert_eq!(*completed.buffer(), [0, 1, 2, 3, 4, 5, 6, 7]);
            }
            machine.join_drivers();
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
        assert_eq!(
            handle.wait(&at, LONG).expect("read").status(),
            STATUS_SUCCESS
        );
        assert_eq!(Arc::strong_count(&own), 1);
    }
}

/// A context whose drop sends the next request into the slot that it was moved out of, or is in
/// still, if its request was abandoned.
struct Again {
    left: usize,
    target: Arc<Target>,
    drops: Arc<AtomicUsize>,
    refused: Arc<AtomicUsize>,
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
            refused: Arc::clone(&self.refused),
        };
        // The routine may be the last, and drop it on its own thread.
        let at = DispatchLevel::check().expect("as for every routine");
        match read(&self.target, [0; 8], 0, again, next).send_in(&AGAIN, &at) {
            Ok(sent) => drop(sent),
            Err(not_sent) => {
                assert_eq!(not_sent.error, IrpError::SlotInUse);
                self.refused.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

#[test]
fn context_sends_into_its_own_static_slot_when_it_is_dropped() {
    let machine = Machine::new();
    for (when, refusals) in [
        (When::inline(), 0),
        // The first is sent by nobody's context, the others from the one in the slot.
        (When::after(SOON), ROUNDS - 1),
        (When::cancelled(), ROUNDS - 1),
    ] {
        let disk = disk(&machine, when);
        let (drops, refused) = (Arc::default(), Arc::default());
        drop(Again {
            left: ROUNDS,
            target: Arc::new(disk.target().clone()),
            drops: Arc::clone(&drops),
            refused: Arc::clone(&refused),
        });
        machine.join_drivers();
        assert_eq!(drops.load(Ordering::Relaxed), ROUNDS + 1);
        assert_eq!(refused.load(Ordering::Relaxed), refusals);
        assert_eq!(machine.live_irps(), 0);
    }
}

/// The target of a routine that sends into the slot it runs for, and the error that it gets.
type Refused = (Option<Target>, Option<IrpError>);

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
        let context = (Some(inline.target().clone()), None);
        let completed = read(disk.target(), [0; 8], 0, sends_here, context)
            .send_in(&OCCUPIED, &at)
            .expect("free")
            .wait(&at, LONG)
            .expect("read");
        assert_eq!(completed.context().1, Some(IrpError::SlotInUse));
    }
}

/// The slot is not free before the originator has taken its request back.
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
        disk: Target,
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
            disk: disk.target().clone(),
            refused: None,
        };
        let request = read(disk.target(), [0; 8], 0, again, Some(context));
        let completed = request
            .send_in(&SLOT, passive())
            .expect("free")
            .wait(passive(), LONG)
            .expect("read");
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
    fn late(mut irp: Completing<'_, Option<Target>>) -> Signaled<'_> {
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
        .delay(DelayPoint::AfterSetEvent, Duration::from_micros(100));
    for round in 0..if cfg!(miri) { 3 } else { 40 } {
        let disk = disk(&machine, When::after(Duration::from_micros(round % 4 * 50)));
        let request = read(disk.target(), [0; 8], 0, late, Some(disk.target().clone()));
        let sent = request.send_in(&SLOT, passive()).expect("free");
        assert_eq!(
            *sent.wait(passive(), LONG).expect("read").buffer(),
            [0, 1, 2, 3, 4, 5, 6, 7]
        );
        // The routine of the first request may still be at it, and with it the target's last use.
        machine.join_drivers();
        let second = SENT.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(second) = second {
            assert_eq!(
                *second.wait(passive(), LONG).expect("read").buffer(),
                [1, 2, 3, 4, 5, 6, 7, 8]
            );
        }
    }
}

/// The routine signals, takes its own request back, and so frees the memory it was called with.
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
        let completed = mine.try_complete().expect("signaled").expect("read");
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
