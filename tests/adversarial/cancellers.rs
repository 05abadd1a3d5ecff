//! Cancellers that outlive what they cancel, that requests own of themselves and of each other, and
//! that many threads use at once ([H13](../../docs/hazards.md#h13)).

use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;

use wdm_irp::in_flight::{CancellableSlot, Canceller, InFlight, ScopedCanceller, Sent};
use wdm_irp::sys::{STATUS_CANCELLED, STATUS_SUCCESS};
use wdm_irp::{Completing, IrpError, Signaled, Timeout, completion_routine};
use wdm_irp_sim::{Allocation, Behavior, DelayPoint, Device, DeviceOptions, Machine, When};
use wdm_irp_tests::{AnyOutcome, LONG, SOON, Target, ZERO, disk, in_flight, passive, read};

use super::buffers::{Aligned, Line, NoPage, Page};
use super::common::{Bytes, ROUNDS, Reading, every_journey, read_arc, shared};

type Handle<R> = InFlight<CancellableSlot<R, Bytes, Target>>;

/// The right to cancel a request, in its own context.
type Own = Arc<(OnceLock<Canceller>, Arc<()>)>;

#[completion_routine]
fn cancels_itself(irp: Completing<'_, Own>) -> Signaled<'_> {
    let own = irp.context().clone();
    let cancel = || {
        if let Some(canceller) = own.0.get() {
            canceller.cancel();
        }
    };
    cancel();
    let token = irp.signal_if_pended();
    cancel();
    token
}

#[test]
fn context_owns_the_canceller_of_its_own_request() {
    let machine = Machine::new();
    let at = passive();
    for when in every_journey() {
        let disk = disk(&machine, when);
        for wait in [false, true] {
            let alive = Arc::new(());
            let own = Own::new((OnceLock::new(), alive.clone()));
            let request = read(disk.target(), [0; 8], 0, cancels_itself, own.clone());
            let (sent, canceller) = request.send_cancellable(&at).expect("memory");
            own.0.set(canceller).expect("set once");
            if wait {
                drop(own);
                // Its routine, which may be on its way out, has the last of what it cancels with.
                drop(sent.wait(&at, Timeout::milliseconds(20)).completed());
            } else {
                own.0.get().expect("set above").cancel();
                drop((sent, own));
            }
            machine.join_drivers();
            assert_eq!((machine.live_irps(), Arc::strong_count(&alive)), (0, 1));
            assert_eq!(machine.live_pool_blocks(), 0);
        }
    }
}

/// Each context owns the canceller of the other request, and cancels it in its drop.
#[test]
fn contexts_own_each_others_cancellers_and_cancel_in_their_drops() {
    struct Other(Mutex<Option<Canceller>>, Arc<()>);

    impl Drop for Other {
        fn drop(&mut self) {
            assert!(Arc::strong_count(&self.1) > 1);
            if let Some(canceller) = self.0.get_mut().expect("no panic") {
                canceller.cancel();
            }
        }
    }

    #[completion_routine]
    fn keeps(irp: Completing<'_, Arc<Other>>) -> Signaled<'_> {
        irp.signal_if_pended()
    }

    let machine = Machine::new();
    let at = passive();
    for when in [
        When::cancelled(),
        When::after(SOON),
        When::triggered(),
        When::inline(),
    ] {
        let disk = disk(&machine, when);
        for first in [true, false] {
            let alive = Arc::new(());
            let contexts = [(), ()].map(|()| Arc::new(Other(Mutex::default(), alive.clone())));
            let sent = [0, 1].map(|one| {
                let context = contexts[one].clone();
                let request = read(disk.target(), [0; 8], 0, keeps, context);
                let (sent, canceller) = request.send_cancellable(&at).expect("memory");
                *contexts[1 - one].0.lock().expect("no panic") = Some(canceller);
                sent
            });
            drop(contexts);
            let [one, two] = sent;
            if first {
                drop((one, two));
            } else {
                drop((two, one));
            }
            while disk.complete_next(STATUS_SUCCESS, 8) {}
            machine.join_drivers();
            assert_eq!((machine.live_irps(), Arc::strong_count(&alive)), (0, 1));
            assert_eq!(machine.live_pool_blocks(), 0);
        }
    }
}

/// Handle, routine and two cancellers leave, in every order.
#[test]
fn whoever_is_the_last_to_leave_frees_what_is_left() {
    let machine = Machine::new();
    let at = passive();
    for when in [When::triggered(), When::triggered().unmarked()] {
        let disk = disk(&machine, when);
        for order in orders([0, 1, 2, 3]) {
            let context = Arc::new(());
            let request = read_arc(&disk, &context);
            let (sent, one) = request.send_cancellable(&at).expect("memory");
            let sent = in_flight(sent);
            let two = sent.canceller();
            let mut handle = Some(sent);
            let mut cancellers = [Some(one), Some(two)];
            for who in order {
                match who {
                    0 => drop(handle.take()),
                    1 => assert!(disk.complete_next(STATUS_SUCCESS, 8)),
                    other => drop(cancellers[other - 2].take()),
                }
                for canceller in cancellers.iter().flatten() {
                    canceller.cancel();
                    assert_eq!(machine.live_irps(), 1);
                }
            }
            assert_eq!((machine.live_irps(), Arc::strong_count(&context)), (0, 1));
            assert_eq!(machine.live_pool_blocks(), 0);
        }
    }
}

fn orders(of: [usize; 4]) -> Vec<[usize; 4]> {
    fn permute(of: &mut [usize; 4], from: usize, all: &mut Vec<[usize; 4]>) {
        if from == of.len() {
            all.push(*of);
        }
        for other in from..of.len() {
            of.swap(from, other);
            permute(of, from + 1, all);
            of.swap(from, other);
        }
    }
    let (mut of, mut all) = (of, Vec::new());
    permute(&mut of, 0, &mut all);
    all
}

/// Threads that cancel with cancellers of their own and drop them, while others make more and the
/// handle ends.
#[test]
#[cfg_attr(miri, ignore = "takes minutes: run it with `-- --ignored`")]
fn storm_of_cancellers_while_the_request_ends() {
    let machine = Machine::new();
    let context = Arc::new(());
    let points = [
        DelayPoint::BeforeCancel,
        DelayPoint::BeforeCancelRoutine,
        DelayPoint::AfterSetEvent,
    ];
    let endings: [fn(Handle<shared>); 4] = [
        drop,
        |handle| drop(handle.wait(passive(), LONG)),
        |handle| drop(handle.wait(passive(), ZERO)),
        |handle| drop(handle.try_complete().map_err(InFlight::abandon)),
    ];
    for (round, ending) in (0..ROUNDS).flat_map(|round| endings.map(|ending| (round, ending))) {
        machine.faults().clear();
        machine
            .faults()
            .delay(points[round % points.len()], SOON / 4);
        for when in [
            When::after(SOON / 2),
            When::after(SOON / 2).cancelable(),
            When::after(SOON / 2).cancelable().unmarked(),
        ] {
            let disk = disk(&machine, when);
            let request = read_arc(&disk, &context);
            let (sent, canceller) = request.send_cancellable(passive()).expect("memory");
            // On a slow machine the request may be completed already.
            let Sent::InFlight(handle) = sent else {
                continue;
            };
            let cancellers: Vec<_> = (0..3)
                .map(|_| handle.canceller())
                .chain([canceller])
                .collect();
            let threads: Vec<_> = cancellers
                .into_iter()
                .map(|canceller| {
                    machine.spawn(move || {
                        canceller.cancel();
                        thread::yield_now();
                        canceller.cancel();
                    })
                })
                .collect();
            let on_machine = machine.handle();
            thread::scope(|scope| {
                scope.spawn(|| {
                    let _on = on_machine.enter();
                    for _ in 0..3 {
                        handle.canceller().cancel();
                    }
                });
                drop(handle.canceller());
            });
            ending(handle);
            for thread in threads {
                thread.join().expect("no panic");
            }
            machine.join_drivers();
            assert_eq!((machine.live_irps(), Arc::strong_count(&context)), (0, 1));
            assert_eq!(machine.live_pool_blocks(), 0);
        }
    }
}

/// The IRP of a canceller is nobody else's, however many others come and go.
#[test]
fn canceller_of_a_completed_request_cancels_no_other() {
    static KEPT: Mutex<Vec<Canceller>> = Mutex::new(Vec::new());

    let machine = Machine::new();
    let at = passive();
    let alive = Arc::new(());
    {
        let device = disk(&machine, When::after(SOON));
        for _ in 0..3 {
            let request = read_arc(&device, &alive);
            let (sent, canceller) = request.send_cancellable(&at).expect("memory");
            KEPT.lock().expect("no panic").push(canceller);
            drop(sent.wait(&at, LONG).expect("read"));
        }
    }
    assert_eq!(Arc::strong_count(&alive), 1, "a canceller keeps no context");
    let stuck = disk(&machine, When::cancelled());
    let others: Vec<_> = (0..3)
        .map(|_| read_arc(&stuck, &alive).send_boxed(&at).expect("memory"))
        .collect();
    let thread = machine.spawn(|| {
        for canceller in KEPT.lock().expect("no panic").iter() {
            canceller.cancel();
        }
    });
    thread.join().expect("no panic");
    assert_eq!(stuck.pending(), 3);
    machine
        .spawn(|| KEPT.lock().expect("no panic").clear())
        .join()
        .expect("no panic");
    // The routines of the first three may not have left.
    machine.join_drivers();
    assert_eq!(machine.live_irps(), 3);
    for other in others {
        assert!(stuck.complete_next(STATUS_SUCCESS, 8));
        assert_eq!(
            other.wait(&at, LONG).expect("read").status(),
            STATUS_SUCCESS
        );
    }
}

/// Copies of a scoped canceller cancel on many threads: before and after the completion, after the
/// handle is gone, and while the scope unwinds.
#[test]
#[cfg_attr(miri, ignore = "takes minutes: run it with `-- --ignored`")]
fn scoped_cancellers_are_used_until_the_last_moment_of_the_scope() {
    let machine = Machine::new();
    let at = passive();
    let handle = machine.handle();
    let context = Arc::new(());
    // Miri takes its time.
    let step = if cfg!(miri) { 9 } else { 1 };
    for when in every_journey().into_iter().step_by(step) {
        let disk = disk(&machine, when);
        for how in 0..6 {
            let mut buffer = [0; 8];
            let request = read(disk.target(), &mut buffer, 0, shared, context.clone());
            let scoped = catch_unwind(AssertUnwindSafe(|| {
                request.send_scoped_cancellable(&at, |sent, canceller| {
                    thread::scope(|threads| {
                        for copy in [canceller; 2] {
                            let handle = &handle;
                            threads.spawn(move || {
                                let _on = handle.enter();
                                for _ in 0..3 {
                                    copy.cancel();
                                }
                            });
                        }
                        match how {
                            0 => drop(sent.wait(&at, LONG)),
                            1 => drop(sent),
                            2 => {
                                if let Sent::InFlight(in_flight) = sent {
                                    std::mem::forget(in_flight);
                                }
                            }
                            3 => drop(sent.wait(&at, ZERO).completed().into_parts()),
                            4 => {
                                if let Sent::InFlight(in_flight) = sent {
                                    drop(in_flight.try_complete().map_err(std::mem::forget));
                                }
                            }
                            _ => {
                                let _sent = sent;
                                canceller.cancel();
                                panic!("in the scope");
                            }
                        }
                    });
                    canceller.cancel();
                })
            }));
            assert_eq!(scoped.is_err(), how == 5);
            drop(scoped);
            buffer.fill(1);
            assert_eq!((machine.live_irps(), Arc::strong_count(&context)), (0, 1));
        }
    }
}

/// A `Completed` without an IRP leaves the scope; its canceller may be used after it is dropped.
#[test]
fn completed_request_leaves_its_scope_without_its_irp() {
    fn cancel_all(cancellers: &[ScopedCanceller<'_>]) {
        for canceller in cancellers {
            canceller.cancel();
        }
    }

    let machine = Machine::new();
    let at = passive();
    let (slow, inline) = (
        disk(&machine, When::after(SOON)),
        disk(&machine, When::inline()),
    );
    for (one, two) in [(&slow, &inline), (&inline, &slow), (&slow, &slow)] {
        let request = |disk: &Device| read(disk.target(), [0; 8], 1, shared, Arc::new(()));
        let done = request(one).send_scoped_cancellable(&at, |outer, first| {
            request(two).send_scoped_cancellable(&at, |inner, second| {
                let done = outer.wait(&at, LONG).expect("read").into_parts();
                cancel_all(&[first, second]);
                let inner = inner.wait(&at, LONG).completed();
                cancel_all(&[first, second]);
                assert_eq!(machine.live_irps(), 2, "with the scopes");
                (done.0, inner)
            })
        });
        let ([first, ..], completed) = done.expect("sent").expect("sent");
        assert_eq!((first, machine.live_irps()), (1, 0));
        assert!([STATUS_SUCCESS, STATUS_CANCELLED].contains(&completed.status()));
    }
}

/// What could not be sent with a canceller is sent without one, and the other way round.
#[test]
fn request_that_could_not_be_sent_with_a_canceller_is_sent_in_another_way() {
    let machine = Machine::new();
    let at = passive();
    let disk = machine.device_with(
        DeviceOptions::new("direct").direct(),
        Behavior::transfer().when(When::cancelled()),
    );
    let context = Arc::new(());
    for (fault, error) in [
        (Allocation::Pool, IrpError::SlotAllocation),
        (Allocation::Mdl, IrpError::MdlAllocation),
    ] {
        machine.faults().fail(fault, 0);
        let refused = read_arc(&disk, &context).send_cancellable(&at);
        let refused = refused.expect_err("refused");
        assert_eq!((refused.error, machine.live_pool_blocks()), (error, 0));
        let request: Reading<shared> = if fault == Allocation::Mdl {
            machine.faults().fail(fault, 0);
            let again = refused.request.send_scoped_cancellable(&at, |_, _| ());
            again.expect_err("refused").request
        } else {
            refused.request
        };
        let (sent, canceller) = request.send_cancellable(&at).expect("memory");
        canceller.cancel();
        canceller.cancel();
        drop(canceller);
        let completed = sent.wait(&at, LONG).completed();
        assert_eq!(completed.status(), STATUS_CANCELLED);
        assert!(!completed.timed_out());
        assert_eq!((machine.live_irps(), machine.live_mdls()), (0, 0));
    }
}

/// More than the pool can align.
#[derive(Debug, Default)]
#[repr(align(8192))]
struct TwoPages;

fn send_aligned<T: Default + Send + 'static>(disk: &Device, fits: bool) {
    let request = || {
        let context = (T::default(), None);
        read(disk.target(), [0; 8], 1, Aligned(PhantomData), context)
    };
    let at = passive();
    match request().send_cancellable(&at) {
        Ok((sent, canceller)) => {
            assert!(fits);
            canceller.cancel();
            assert_eq!(sent.wait(&at, LONG).completed().context().1, Some(0));
            canceller.cancel();
            drop(request().send_cancellable(&at).map(|sent| sent.1.cancel()));
        }
        Err(refused) => {
            assert!(!fits);
            assert_eq!(refused.error, IrpError::SlotAllocation);
            let refused = refused.request.send_boxed(&at).expect_err("no such memory");
            let scoped = refused
                .request
                .send_scoped_cancellable(&at, |sent, canceller| {
                    canceller.cancel();
                    sent.wait(&at, LONG).completed().context().1
                });
            assert_eq!(scoped.expect("the stack can"), Some(0));
        }
    }
}

/// The context has no bytes, or a page, so the memory of the canceller is far from it.
#[test]
fn cancellable_contexts_are_of_no_size_and_of_a_page() {
    let machine = Machine::new();
    for when in [When::inline(), When::after(SOON), When::cancelled()] {
        let disk = disk(&machine, when);
        send_aligned::<()>(&disk, true);
        send_aligned::<Line>(&disk, true);
        send_aligned::<Page>(&disk, true);
        send_aligned::<NoPage>(&disk, true);
        send_aligned::<TwoPages>(&disk, false);
        machine.join_drivers();
        assert_eq!((machine.live_irps(), machine.live_pool_blocks()), (0, 0));
    }
}

/// A canceller in a thread-local variable goes with its thread, after its request.
#[test]
fn canceller_is_dropped_by_the_destructor_of_a_thread_local() {
    thread_local! {
        static KEPT: OnceLock<Canceller> = const { OnceLock::new() };
    }

    let machine = Machine::new();
    for when in [When::after(SOON), When::cancelled(), When::inline()] {
        let disk = disk(&machine, when);
        let context = Arc::new(());
        let inner = context.clone();
        let thread = machine.spawn(move || {
            let request = read_arc(&disk, &inner).send_cancellable(passive());
            let (sent, canceller) = request.expect("memory");
            KEPT.with(|kept| kept.set(canceller))
                .expect("a thread of its own");
            drop(sent);
        });
        thread.join().expect("no panic");
        machine.join_drivers();
        assert_eq!((machine.live_irps(), Arc::strong_count(&context)), (0, 1));
        assert_eq!(machine.live_pool_blocks(), 0);
    }
}
