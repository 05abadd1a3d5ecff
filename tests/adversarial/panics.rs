//! Contexts, routines and scopes that panic.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use wdm_irp::in_flight::Sent;
use wdm_irp::routine::CompletionRoutine;
use wdm_irp::{Completing, Signaled, completion_routine};
use wdm_irp_sim::{Machine, When};
use wdm_irp_tests::{Completed, LONG, SOON, Slot, disk, passive, read};

use super::common::read_arc;

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
            // The routine has left first: a panic in it would end the process.
            &|| {
                let sent = request().send_boxed(&at);
                machine.join_drivers();
                drop(sent);
            },
            &|| {
                let sent = request().send_in(&SLOT, &at);
                machine.join_drivers();
                drop(sent);
            },
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
    let (_, mut fuse) = completed.into_parts();
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
        panics(|| {
            let sent = request().send_in(&SLOT, passive()).expect("free");
            // The routine has left first: a panic in it would end the process.
            machine.join_drivers();
            drop(sent);
        });
        panics(|| {
            let sent = request().send_boxed(passive()).expect("memory");
            machine.join_drivers();
            drop(sent);
        });
        let (sent, canceller) = request().send_cancellable(passive()).expect("memory");
        machine.join_drivers();
        panics(|| drop(sent));
        canceller.cancel();
        drop(canceller);
        assert_eq!(machine.live_pool_blocks(), 0);
        panics(|| drop(request().send_scoped(passive(), |sent| drop(sent))));
        panics(|| {
            let sent = request().send_scoped(passive(), |sent| match sent {
                Sent::Completed(outcome) => drop(outcome),
                Sent::InFlight(in_flight) => std::mem::forget(in_flight),
            });
            drop(sent);
        });
        panics(|| drop(request().send_and_wait(passive(), LONG)));
        assert_eq!(machine.live_irps(), 0);
        let sent = request().send_in(&SLOT, passive()).expect("free again");
        defused(sent.wait(passive(), LONG).expect("read"));
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
