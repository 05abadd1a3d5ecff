//! Remove locks, [H27](../../docs/hazards.md#h27): a device stays while it is used.

use std::thread;

use wdm_irp::irql::DispatchLevel;
use wdm_irp::lock_storage::InStatic;
use wdm_irp::remove_lock::{AllocationTag, RemoveLock, RemoveLockError, RemoveLockGuard, Tag};
use wdm_irp::sys::{STATUS_DELETE_PENDING, STATUS_INSUFFICIENT_RESOURCES};
use wdm_irp::{Completing, Signaled, completion_routine};
use wdm_irp_sim::{Machine, ViolationKind, When, irql};
use wdm_irp_tests::{LONG, Removable, SOON, disk, passive, read};

const TAG: AllocationTag = AllocationTag::new(*b"Lock").expect("not zero");

#[test]
fn h27_removal_waits_until_every_guard_is_dropped() {
    let machine = Machine::new();
    let device = Removable::new(&machine);
    let guards = [1, 2, 3].map(|tag| {
        device
            .remove_lock()
            .acquire(Tag::new(tag))
            .expect("present")
    });
    device.remove_while_held(&machine, guards);
}

#[test]
fn h27_nothing_begins_once_the_removal_has() {
    static LOCK: InStatic<RemoveLock> = InStatic::new();

    let machine = Machine::new();
    let lock = LOCK.initialize(TAG, passive()).expect("the first call");
    let held = lock.acquire(Tag::new(1)).expect("present");
    let user = machine.spawn(move || {
        // Until the removal has begun.
        while lock.acquire(Tag::new(2)).is_ok() {
            thread::yield_now();
        }
        drop(held);
    });
    let own = lock.acquire(Tag::new(3)).expect("present");
    own.release_and_wait(passive()).expect("the only wait");
    user.join().expect("no panic");
    let error = lock.acquire(Tag::new(4)).expect_err("removed");
    assert_eq!(error, RemoveLockError::DeletePending);
    assert_eq!(error.status(), STATUS_DELETE_PENDING);
    assert_eq!(error.to_string(), "the device is being removed");
    let error = RemoveLockError::TooManyGuards;
    assert_eq!(error.status(), STATUS_INSUFFICIENT_RESOURCES);
    assert_eq!(error.to_string(), "the remove lock is held too often");
}

/// The routine drops the guard, at `DISPATCH_LEVEL`, on the lower driver's thread.
#[test]
fn h27_guard_is_held_from_send_to_completion() {
    type Held = Option<RemoveLockGuard<'static>>;

    #[completion_routine]
    fn release(mut irp: Completing<'_, Held>) -> Signaled<'_> {
        let held = irp.context_mut().take();
        assert_eq!(held.map(|held| held.tag()), Some(Tag::new(7)));
        irp.signal_if_pended()
    }

    let machine = Machine::new();
    for when in [
        When::inline(),
        When::after(SOON),
        When::after(SOON).unmarked(),
    ] {
        let disk = disk(&machine, when);
        let device = Removable::new(&machine);
        let held = device.remove_lock().acquire(Tag::new(7)).expect("present");
        let request = read(disk.target(), [0_u8; 8], 0, release, Some(held));
        let sent = request.send_boxed(passive()).expect("sent");
        device.remove();
        assert!(
            sent.wait(passive(), LONG)
                .expect("read")
                .context()
                .is_none()
        );
    }
}

#[test]
fn h27_lock_is_acquired_and_released_at_dispatch_level() {
    let machine = Machine::new();
    let device = Removable::new(&machine);
    {
        let _raised = irql::raise(2);
        let _at = DispatchLevel::check().expect("DISPATCH_LEVEL");
        drop(device.remove_lock().acquire(Tag::of(&raw const machine)));
    }
    device.remove();
}

#[test]
fn h27_removal_waits_once() {
    let machine = Machine::new();
    let device = Removable::new(&machine);
    let lock = device.remove_lock();
    let first = lock.acquire(Tag::new(1)).expect("present");
    let second = lock.acquire(Tag::new(2)).expect("present");
    let third = lock.acquire(Tag::new(3)).expect("present");
    let waiting = machine.spawn(move || first.release_and_wait(passive()).is_ok());
    while lock.acquire(Tag::new(4)).is_ok() {
        thread::yield_now();
    }
    let second = second.release_and_wait(passive()).expect_err("the second");
    assert_eq!(second.tag(), Tag::new(2));
    drop(second);
    assert!(!waiting.is_finished(), "it waits for the third guard");
    drop(third);
    assert!(waiting.join().expect("no panic"));
    // It is not removed, so it stays, as does its memory.
    device.keep();
}

#[test]
fn h27_memory_goes_as_soon_as_the_removal_ends() {
    let machine = Machine::new();
    for _ in 0..10 {
        let device = Removable::new(&machine);
        let guards = [1, 2].map(|tag| {
            device
                .remove_lock()
                .acquire(Tag::new(tag))
                .expect("present")
        });
        device.remove_while_dropped(&machine, guards);
    }
}

#[test]
fn h27_leaked_guard_is_reported() {
    let machine = Machine::new();
    let device = Removable::new(&machine);
    let guard = device
        .remove_lock()
        .acquire(Tag::new(0x1234))
        .expect("present");
    std::mem::forget(guard);
    device.keep();
    let report = machine.into_report();
    assert!(report.has(ViolationKind::RemoveLockLeaked), "{report}");
    assert!(report.violations[0].detail.contains("1234"), "{report}");
}

#[test]
fn h27_lock_in_a_static_is_initialized_once() {
    static LOCK: InStatic<RemoveLock> = InStatic::new();

    let _machine = Machine::new();
    assert!(LOCK.get().is_none());
    assert_eq!(format!("{LOCK:?}"), "InStatic { initialized: false, .. }");
    let lock = LOCK.initialize(TAG, passive()).expect("the first call");
    assert!(LOCK.initialize(TAG, passive()).is_none());
    assert!(std::ptr::eq(lock, LOCK.get().expect("initialized")));
    assert_eq!(format!("{LOCK:?}"), "InStatic { initialized: true, .. }");
    assert_eq!(
        format!("{lock:?}"),
        "RemoveLock { removal_begun: false, .. }"
    );
    let guard = lock.acquire(Tag::new(5)).expect("present");
    assert_eq!(format!("{guard:?}"), "RemoveLockGuard { tag: Tag(5), .. }");
}

#[test]
fn h27_tag_of_a_lock_is_not_zero() {
    assert!(AllocationTag::new([0; 4]).is_none());
    assert!(AllocationTag::new(*b"Lock").is_some());
}
