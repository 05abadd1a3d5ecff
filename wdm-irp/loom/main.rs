//! Every interleaving of originator, completer and canceller, by loom.
//!
//! What runs is this library itself, from `Irp::allocate` to `Completed`, and the host model's own
//! event, I/O manager, pool, cancel spin lock, modeled drivers and ledger. loom stands in for the
//! library's atomics (the state of the handshake, the shares, the count of cancellers), the
//! dispatcher lock, the waits on it and the threads. A time-out elapses whenever the scheduler
//! likes. The order of cancellation and completion is explored at the points where the host model
//! can be delayed; its ledger is invisible to loom.
//!
//! Every ending of a request, with every kind of lower driver, from static memory (this file), from
//! a box, from a scope (`abandon`), and with a canceller (`cancel`).
//!
//! What a model checks, in every interleaving:
//! - nobody hangs (loom finds a deadlock), and no wait ends too early or by an earlier round's
//!   signal;
//! - what the completion routine wrote is seen, by the memory model, by whoever gets the context
//!   back, and by whoever drops it if the request was abandoned: [`Note`];
//! - each context is dropped once, and the routine has run once;
//! - every access to the event and the state is before the originator takes the memory back, and
//!   every access to the shares and the count of cancellers before the last of their users frees
//!   them, by the memory model: `memory` in `src/operation/loom.rs`;
//! - every use of pool memory and of an IRP (`IoCancelIrp`, its completion) is before that is freed
//!   or reused, by the memory model: the host model watches it, see `watched`;
//! - the slot is free, IRP and pool memory are freed once (the ledger), and no misuse of any other
//!   kind.
//!
//! Not watched are the slot's plain fields but for the context: buffer, target, and the note of the
//! originator's arrival. They are handed over with the context.
//!
//! Two threads: every interleaving. Three: up to [`PREEMPTIONS`] preemptions, or three where the
//! model says so. `cargo xtask loom` runs the models, and shows with the patches in `bugs/` that
//! they can fail.
#![cfg(loom)]

mod abandon;
mod cancel;
mod endings;
mod watched;

use std::cell::RefCell;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use endings::{
    Ending, FINAL_STATUS, LATER, Lower, MARKED_FINAL_STATUS, completed, explore_endings, lower,
    one_round, round,
};
use loom::cell::UnsafeCell;
use wdm_irp::error::SendError;
use wdm_irp::in_flight::{Sent, Slot};
use wdm_irp::irql::UpToDispatch;
use wdm_irp::request::{NoTransfer, Request};
use wdm_irp::sys::{IoCancelIrp, STATUS_CANCELLED, STATUS_PENDING, STATUS_SUCCESS};
use wdm_irp::{Completing, Irp, PassiveLevel, Signaled, TargetDevice, Timeout, completion_routine};
use wdm_irp_sim::{Behavior, DelayPoint, Device, LowerIrp, Machine, When};

/// The bound for models of three threads.
const PREEMPTIONS: usize = 5;

/// Where other threads may run, besides the accesses to the handshake and the event.
const POINTS: [DelayPoint; 6] = [
    DelayPoint::BeforeDispatch,
    DelayPoint::AfterDispatch,
    DelayPoint::BeforeRoutine,
    DelayPoint::AfterSetEvent,
    DelayPoint::BeforeCancel,
    DelayPoint::BeforeCancelRoutine,
];

/// What the routine writes, and the originator or whoever comes last reads. loom checks that one is
/// ordered before the other.
struct Note {
    runs: UnsafeCell<u32>,
    dropped: Arc<AtomicU32>,
}

impl Note {
    fn new() -> Self {
        // Not loom's: nobody is to be ordered by it.
        let dropped = Arc::default();
        NOTES.with_borrow_mut(|notes| notes.push(Arc::clone(&dropped)));
        let runs = UnsafeCell::new(0);
        Self { runs, dropped }
    }

    fn runs(&self) -> u32 {
        // SAFETY: loom panics if anybody writes meanwhile.
        self.runs.with(|runs| unsafe { *runs })
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        self.runs.with_mut(|_| ());
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }
}

thread_local! {
    /// The contexts of this execution: how often each was dropped. All threads of a model run on
    /// one thread of the host.
    static NOTES: RefCell<Vec<Arc<AtomicU32>>> = const { RefCell::new(Vec::new()) };
}

#[completion_routine]
fn done(irp: Completing<'_, Note>) -> Signaled<'_> {
    // SAFETY: loom panics if anybody else has access meanwhile.
    irp.context().runs.with_mut(|runs| unsafe { *runs += 1 });
    irp.signal_if_pended()
}

type Target = TargetDevice<UpToDispatch>;
type Memory = Slot<done, (), Target>;

/// Explores a model.
fn explore(
    name: &str,
    preemptions: Option<usize>,
    model: impl Fn(&Machine) + Send + Sync + 'static,
) {
    let count = Arc::new(Mutex::new(0_u64));
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = preemptions;
    builder.max_branches = 10_000;
    let start = Instant::now();
    let counter = count.clone();
    builder.check(move || {
        *counter.lock().unwrap() += 1;
        let machine = Machine::new();
        machine.record_timeline(false);
        for point in POINTS {
            machine.faults().delay(point, Duration::ZERO);
        }
        NOTES.take();
        model(&machine);
        machine.join_drivers();
        assert_eq!(machine.live_irps(), 0, "an IRP without owner");
        for dropped in NOTES.take() {
            assert_eq!(dropped.load(Ordering::Relaxed), 1, "drops of a context");
        }
        machine.finish();
    });
    let count = *count.lock().unwrap();
    println!("  {name}: {count} interleavings, {:.1?}", start.elapsed());
}

/// Memory that is never freed, so that a late access finds the mark that it is late.
fn memory() -> &'static Memory {
    let slot: &'static Memory = Box::leak(Box::default());
    // Its atomic comes into being before other threads know it.
    assert_free(slot);
    slot
}

fn assert_free(slot: &Memory) {
    assert_eq!(format!("{slot:?}"), "Slot { in_use: false, .. }");
}

fn at() -> PassiveLevel {
    PassiveLevel::check().unwrap()
}

fn request(device: &Device) -> Request<Target, NoTransfer, (), done> {
    Irp::allocate(device.target().clone())
        .unwrap()
        .flush()
        .on_completion(done, Note::new())
}

/// Every ending with each of these drivers, from static memory.
fn explore_static(drivers: &[Lower]) {
    explore_endings("", drivers, None, one_round);
}

#[test]
fn inline() {
    explore_static(&[
        lower("inline", When::inline()),
        lower("inline, marked", When::inline_marked()),
    ]);
}

#[test]
fn pended() {
    explore_static(&[
        lower("later", LATER),
        lower("before the return", When::before_return()),
    ]);
}

#[test]
fn cancelable() {
    explore_static(&[
        lower("cancelable", LATER.cancelable()),
        lower("until cancelled", When::cancelled()),
    ]);
}

#[test]
fn breach_pending_but_not_marked() {
    explore_static(&[
        lower("inline", When::inline().returning(STATUS_PENDING)),
        lower("later", LATER.unmarked()),
        lower("before the return", When::before_return().unmarked()),
        lower("cancelable", LATER.unmarked().cancelable()),
    ]);
}

#[test]
fn breach_marked_but_not_pending() {
    explore_static(&[
        lower("inline", When::inline_marked().returning(STATUS_SUCCESS)),
        lower("later", LATER.returning(STATUS_SUCCESS)),
        lower(
            "before the return",
            When::before_return().returning(STATUS_SUCCESS),
        ),
        lower("cancelable", LATER.returning(STATUS_SUCCESS).cancelable()),
    ]);
}

#[test]
fn breach_final_status_but_later() {
    explore_static(&[
        lower("later", LATER.unmarked().returning(STATUS_SUCCESS)),
        lower(
            "cancelable",
            LATER.unmarked().returning(STATUS_CANCELLED).cancelable(),
        ),
    ]);
}

#[test]
fn breach_completed_with_status_pending() {
    explore_static(&[
        lower("inline", When::inline()).status(STATUS_PENDING),
        lower("later", LATER).status(STATUS_PENDING),
        lower("later, not marked", LATER.unmarked()).status(STATUS_PENDING),
    ]);
}

/// The driver cancels the IRP, twice, while the originator cancels it, too.
#[test]
fn cancelled_from_below() {
    struct Address(*mut wdm_irp::sys::IRP);
    // SAFETY: the thread that gets it has the IRP.
    unsafe impl Send for Address {}

    for marked in [true, false] {
        for ending in Ending::ALL {
            let lower = lower("", LATER);
            explore(
                &format!("marked {marked}, {ending:?}"),
                None,
                move |machine| {
                    let workers = Arc::new(Mutex::new(Vec::new()));
                    let joined = workers.clone();
                    let handle = machine.handle();
                    let device = machine.device(Behavior::custom(move |irp: LowerIrp| {
                        if marked {
                            irp.mark_pending();
                        }
                        let address = Address(irp.as_ptr());
                        workers.lock().unwrap().push(handle.spawn(move || {
                            let Address(raw) = { address };
                            for _ in 0..2 {
                                // SAFETY: allocated, since it is here and not completed.
                                unsafe { IoCancelIrp(raw) };
                            }
                            irp.complete(STATUS_SUCCESS, 0);
                        }));
                        STATUS_PENDING
                    }));
                    let slot = memory();
                    round(lower, &device, slot, ending);
                    for worker in joined.lock().unwrap().drain(..) {
                        worker.join().unwrap();
                    }
                    assert_free(slot);
                },
            );
        }
    }
}

/// Two rounds in the same memory: the second must not see the signal of the first, nor the first
/// completer, which may still be on its way out, the second round.
#[test]
fn reuse() {
    let inline = lower("inline", When::inline());
    let marked = lower("inline, marked", When::inline_marked());
    let breach = lower(
        "inline, not marked",
        When::inline().returning(STATUS_PENDING),
    );
    for first in [
        lower("later", LATER),
        lower("later, not marked", LATER.unmarked()),
    ] {
        for second in [inline, marked, breach] {
            for ending in [Ending::Wait, Ending::TimeOut, Ending::PollAndDrop] {
                let name = format!("{}, then {}, {ending:?}", first.name, second.name);
                explore(&name, None, move |machine| {
                    let slot = memory();
                    round(first, &first.device(machine), slot, ending);
                    if ending.drops() {
                        machine.join_drivers();
                    }
                    round(second, &second.device(machine), slot, ending);
                });
            }
        }
    }
}

/// Two rounds, both pended. Three threads.
#[test]
fn reuse_pended() {
    let later = lower("later", LATER);
    let unmarked = lower("later, not marked", LATER.unmarked());
    for (first, second) in [(later, later), (later, unmarked), (unmarked, later)] {
        for ending in [Ending::Wait, Ending::Drop] {
            let name = format!("{}, then {}, {ending:?}", first.name, second.name);
            explore(&name, Some(PREEMPTIONS), move |machine| {
                let slot = memory();
                round(first, &first.device(machine), slot, ending);
                if ending.drops() {
                    machine.join_drivers();
                }
                round(second, &second.device(machine), slot, ending);
            });
        }
    }
}

/// Sends a request if the memory is free; how many were sent.
fn attempt(device: &Device, slot: &'static Memory) -> u32 {
    match request(device).send_in(slot, at()) {
        Ok(sent) => {
            let completed = completed(sent.wait(at(), Timeout::FOREVER));
            assert_eq!(completed.context().runs(), 1);
            1
        }
        Err(_) => 0,
    }
}

/// Two originators want the same memory: it is one's at a time.
#[test]
fn claim() {
    let inline = lower("inline", When::inline());
    explore("two originators", None, move |machine| {
        let slot = memory();
        let device = inline.device(machine);
        let other = machine.spawn({
            let device = device.clone();
            move || attempt(&device, slot)
        });
        let sent = attempt(&device, slot) + other.join().unwrap();
        assert!(sent >= 1, "nobody got the slot");
        assert_free(slot);
    });
}

/// Two cancellers and a completer. Three threads.
#[test]
fn two_cancellers() {
    for lower in [
        lower("later", LATER),
        lower("later, not marked", LATER.unmarked()),
        lower("cancelable", LATER.cancelable()),
        lower("cancelable, not marked", LATER.unmarked().cancelable()),
    ] {
        for ending in [Ending::Wait, Ending::TimeOut, Ending::PollAndDrop] {
            let name = format!("{}, {ending:?}", lower.name);
            explore(&name, Some(PREEMPTIONS), move |machine| {
                let slot = memory();
                let device = lower.device(machine);
                let outcome = match request(&device).send_in(slot, at()).unwrap() {
                    Sent::Completed(outcome) => Some(outcome),
                    Sent::InFlight(in_flight) => {
                        let in_flight = Arc::new(in_flight);
                        let canceller = machine.spawn({
                            let in_flight = in_flight.clone();
                            move || in_flight.cancel()
                        });
                        in_flight.cancel();
                        canceller.join().unwrap();
                        ending.end_in_flight(Arc::into_inner(in_flight).unwrap())
                    }
                };
                if let Some(outcome) = outcome {
                    lower.check(&completed(outcome));
                }
                machine.join_drivers();
                assert_free(slot);
            });
        }
    }
}

const EVERY_WAY: [Lower; 6] = [
    lower("inline", When::inline()),
    lower("later", LATER),
    lower("cancelable", LATER.cancelable()),
    lower("later, not marked", LATER.unmarked()),
    MARKED_FINAL_STATUS,
    FINAL_STATUS,
];

/// From the stack, whose memory is used again at once.
#[test]
fn on_the_stack() {
    for lower in EVERY_WAY {
        for timeout in [Timeout::FOREVER, Timeout::seconds(5)] {
            let name = format!("send_and_wait, {}, {timeout:?}", lower.name);
            explore(&name, None, move |machine| {
                let device = lower.device(machine);
                match request(&device).send_and_wait(at(), timeout) {
                    Ok(completed) => lower.check(&completed),
                    Err(SendError::Failed(failed)) => lower.check(failed.completed()),
                    Err(SendError::NotSent(_)) => unreachable!(),
                }
            });
        }
        explore(
            &format!("send_scoped, leaked, {}", lower.name),
            None,
            move |machine| {
                let device = lower.device(machine);
                let leaked = request(&device).send_scoped(at(), |sent| match sent {
                    Sent::Completed(outcome) => lower.check(&completed(outcome)),
                    Sent::InFlight(in_flight) => std::mem::forget(in_flight),
                });
                assert!(leaked.is_ok());
            },
        );
    }
}
