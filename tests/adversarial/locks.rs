//! Remove locks and run-down protection: many removals at a time, guards that are leaked, moved,
//! swapped and dropped while the device goes ([H27](../../docs/hazards.md#h27)).

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{LazyLock, Mutex, OnceLock};
use std::thread;

use wdm_irp::lock_storage::InStatic;
use wdm_irp::remove_lock::{AllocationTag, RemoveLock, RemoveLockGuard, Tag};
use wdm_irp::rundown::{RunDown, RundownGuard, RundownProtection};
use wdm_irp_sim::{DelayPoint, Machine};
use wdm_irp_tests::{Removable, SOON, passive};

use super::common::ROUNDS;

const TAG: AllocationTag = AllocationTag::new(*b"Evil").expect("not zero");

/// Threads that initialize the same static, all at once.
#[test]
fn lock_in_a_static_is_initialized_by_many_threads() {
    static LAZY: LazyLock<InStatic<RemoveLock>> = LazyLock::new(InStatic::new);
    static WITHIN: (u8, Option<InStatic<RemoveLock>>) = (1, Some(InStatic::new()));
    static BOXED: OnceLock<&InStatic<RemoveLock>> = OnceLock::new();

    let machine = Machine::new();
    for home in [
        &*LAZY,
        WITHIN.1.as_ref().expect("some"),
        BOXED.get_or_init(|| Box::leak(Box::default())),
    ] {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                machine.spawn(move || {
                    let lock = home.initialize(TAG, passive())?;
                    lock.acquire(Tag::new(1)).ok()
                })
            })
            .collect();
        let guards = threads
            .into_iter()
            .filter_map(|thread| thread.join().expect("no panic"));
        assert_eq!(guards.count(), 1);
        // Nobody sees it before it is initialized; afterwards everybody does.
        assert!(home.get().is_some());
    }
}

/// Only one of many removals waits. The others get their guards back, without which it would wait
/// forever.
#[test]
fn many_threads_remove_the_device() {
    let machine = Machine::new();
    for _ in 0..ROUNDS {
        let device = Removable::new(&machine);
        let guards = [1, 2, 3, 4].map(|tag| device.remove_lock().acquire(Tag::new(tag)));
        let last = device.remove_lock().acquire(Tag::new(5)).expect("present");
        let threads = guards.map(|guard| {
            let guard = guard.expect("present");
            machine.spawn(move || guard.release_and_wait(passive()).is_ok())
        });
        thread::sleep(SOON);
        drop(last);
        let waited = threads.map(|thread| thread.join().expect("no panic"));
        assert_eq!(waited.iter().filter(|waited| **waited).count(), 1);
        assert!(device.remove_lock().acquire(Tag::new(6)).is_err());
        device.keep();
    }
}

/// No guard exists when the removal has ended, however many threads try to get one.
#[test]
fn acquisitions_race_with_the_removal() {
    static IN_USE: AtomicU32 = AtomicU32::new(0);

    let machine = Machine::new();
    for delay in [
        None,
        Some(DelayPoint::AfterSetEvent),
        Some(DelayPoint::BeforeWait),
    ] {
        if let Some(point) = delay {
            machine.faults().delay(point, SOON);
        }
        for _ in 0..ROUNDS {
            let device = Removable::new(&machine);
            thread::scope(|scope| {
                for tag in 1..4 {
                    let (lock, handle) = (device.remove_lock(), machine.handle());
                    scope.spawn(move || {
                        let _entered = handle.enter();
                        while let Ok(guard) = lock.acquire(Tag::new(tag)) {
                            IN_USE.fetch_add(1, Ordering::SeqCst);
                            thread::yield_now();
                            IN_USE.fetch_sub(1, Ordering::SeqCst);
                            drop(guard);
                        }
                    });
                }
                let own = device.remove_lock().acquire(Tag::new(0)).expect("present");
                own.release_and_wait(passive()).expect("the only wait");
                assert_eq!(IN_USE.load(Ordering::SeqCst), 0);
            });
            device.keep();
        }
    }
}

/// Guards of two locks change places; each is released for its own lock, with its own tag.
#[test]
fn guards_of_two_locks_are_swapped_and_replaced() {
    static KEPT: Mutex<Option<RemoveLockGuard<'static>>> = Mutex::new(None);

    let machine = Machine::new();
    let (one, two) = (Removable::new(&machine), Removable::new(&machine));
    let mut a = one.remove_lock().acquire(Tag::new(0xA)).expect("present");
    let mut b = two.remove_lock().acquire(Tag::new(0xB)).expect("present");
    std::mem::swap(&mut a, &mut b);
    assert_eq!((a.tag(), b.tag()), (Tag::new(0xB), Tag::new(0xA)));
    let c = std::mem::replace(
        &mut a,
        one.remove_lock().acquire(Tag::new(0xC)).expect("present"),
    );
    *KEPT.lock().expect("no panic") = Some(c);
    drop(a);
    machine.spawn(move || drop(b)).join().expect("no panic");
    one.remove();
    let other = machine.spawn(|| drop(KEPT.lock().expect("no panic").take()));
    two.remove();
    other.join().expect("no panic");
}

/// A guard that is dropped by a panic, in an `Any`, and in the payload of the panic itself.
#[test]
fn guards_are_dropped_by_panics() {
    let machine = Machine::new();
    let device = Removable::new(&machine);
    let acquire = |tag| {
        device
            .remove_lock()
            .acquire(Tag::new(tag))
            .expect("present")
    };
    let dropped = catch_unwind(AssertUnwindSafe(|| {
        let _guard = acquire(1);
        let any: Box<dyn Any + Send> = Box::new(acquire(2));
        resume_unwind(any);
    }));
    let payload = dropped.expect_err("it panics");
    let guard = payload
        .downcast::<RemoveLockGuard<'static>>()
        .expect("it was thrown");
    assert_eq!(guard.tag(), Tag::new(2));
    drop(guard);
    device.remove();
}

/// A leaked `RunDown`: nobody can wait again nor allow accesses, and nothing is released twice.
#[test]
fn run_down_is_leaked() {
    static RUNDOWN: InStatic<RundownProtection> = InStatic::new();

    let _machine = Machine::new();
    let rundown = RUNDOWN.initialize(passive()).expect("the first call");
    std::mem::forget(rundown.wait(passive()).expect("nobody else waits"));
    assert!(rundown.wait(passive()).is_none());
    assert!(rundown.acquire().is_none());
}

/// Owners that run the object down and replace it, against threads that access it all the time: an
/// access belongs to one object.
#[test]
fn accesses_race_with_owners_that_replace_the_object() {
    static RUNDOWN: InStatic<RundownProtection> = InStatic::new();
    static OBJECT: AtomicU32 = AtomicU32::new(0);
    static DONE: AtomicU32 = AtomicU32::new(0);
    const OWNERS: u32 = 2;

    fn replace(run_down: RunDown<'_>) {
        let before = OBJECT.fetch_add(1, Ordering::SeqCst);
        thread::yield_now();
        assert_eq!(
            OBJECT.load(Ordering::SeqCst),
            before + 1,
            "one owner at a time"
        );
        run_down.reinitialize(passive());
    }

    fn access(_guard: &RundownGuard<'_>) {
        let before = OBJECT.load(Ordering::SeqCst);
        thread::yield_now();
        assert_eq!(OBJECT.load(Ordering::SeqCst), before, "the object stays");
    }

    let machine = Machine::new();
    let rundown = RUNDOWN.initialize(passive()).expect("the first call");
    let owners = (0..OWNERS).map(|_| {
        machine.spawn(move || {
            for _ in 0..ROUNDS {
                match rundown.wait(passive()) {
                    Some(ended) => replace(ended),
                    None => thread::yield_now(),
                }
            }
            DONE.fetch_add(1, Ordering::SeqCst);
        })
    });
    let users = (0..2).map(|_| {
        machine.spawn(move || {
            while DONE.load(Ordering::SeqCst) < OWNERS {
                if let Some(guard) = rundown.acquire() {
                    access(&guard);
                }
            }
        })
    });
    let threads: Vec<_> = owners.chain(users).collect();
    for thread in threads {
        thread.join().expect("no panic");
    }
    assert!(OBJECT.load(Ordering::SeqCst) > 0);
}

/// Threads that hold an access each and then all want to be the owner: one of them would wait for
/// itself, so they give it up first.
#[test]
fn many_threads_wait_for_the_run_down() {
    let machine = Machine::new();
    for _ in 0..ROUNDS {
        let device = Removable::new(&machine);
        let held = device.rundown().acquire().expect("active");
        let owners = AtomicU32::new(0);
        thread::scope(|scope| {
            for _ in 0..3 {
                let (rundown, handle, owners) = (device.rundown(), machine.handle(), &owners);
                scope.spawn(move || {
                    let _entered = handle.enter();
                    if let Some(ended) = rundown.wait(passive()) {
                        owners.fetch_add(1, Ordering::SeqCst);
                        assert!(rundown.acquire().is_none());
                        // Not for others: they would be owners, too.
                        std::mem::forget(ended);
                    }
                });
            }
            thread::yield_now();
            drop(held);
        });
        assert_eq!(owners.into_inner(), 1);
        device.keep();
    }
}
