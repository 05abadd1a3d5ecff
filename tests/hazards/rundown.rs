//! Run-down protection, [H27](../../docs/hazards.md#h27): an object stays while it is used.

use std::thread;

use wdm_irp::lock_storage::InStatic;
use wdm_irp::rundown::RundownProtection;
use wdm_irp_sim::{Machine, ViolationKind, irql};
use wdm_irp_tests::{Removable, passive};

#[test]
fn h27_run_down_waits_until_every_access_has_ended() {
    let machine = Machine::new();
    let device = Removable::new(&machine);
    let guards = [(); 3].map(|()| device.rundown().acquire().expect("active"));
    device.remove_while_held(&machine, guards);
}

#[test]
fn h27_no_access_begins_once_the_run_down_has() {
    let machine = Machine::new();
    let device = Removable::new(&machine);
    let held = device.rundown().acquire().expect("active");
    thread::scope(|scope| {
        let rundown = device.rundown();
        let handle = machine.handle();
        scope.spawn(move || {
            let _entered = handle.enter();
            assert!(rundown.wait(passive()).is_some());
        });
        while rundown.acquire().is_some() {
            thread::yield_now();
        }
        assert!(rundown.wait(passive()).is_none(), "another thread waits");
        drop(held);
    });
    assert!(device.rundown().acquire().is_none());
    device.remove();
}

#[test]
fn h27_object_is_replaced_after_a_run_down_only() {
    static RUNDOWN: InStatic<RundownProtection> = InStatic::new();

    let machine = Machine::new();
    let rundown = RUNDOWN.initialize(passive()).expect("the first call");
    assert!(RUNDOWN.initialize(passive()).is_none());
    for _ in 0..3 {
        drop(rundown.acquire().expect("active"));
        let ended = rundown.wait(passive()).expect("nobody else waits");
        assert!(rundown.acquire().is_none());
        assert!(rundown.wait(passive()).is_none(), "there is one `RunDown`");
        drop(ended);
        assert!(rundown.acquire().is_none());
        let ended = rundown.wait(passive()).expect("it is run down");
        ended.reinitialize(passive());
    }
    assert_eq!(
        format!("{rundown:?}"),
        "RundownProtection { active: true, .. }"
    );
    let timeline = machine.timeline();
    let calls = |of: &str| {
        timeline
            .entries()
            .iter()
            .filter(|entry| entry.text == of)
            .count()
    };
    // One of each for each object: who waits again does so for the `RunDown` only.
    assert_eq!(calls("ExWaitForRundownProtectionRelease"), 3);
    assert_eq!(calls("ExRundownCompleted"), 3);
    assert_eq!(calls("ExReInitializeRundownProtection"), 3);
}

#[test]
fn h27_protection_is_acquired_and_released_at_dispatch_level() {
    let machine = Machine::new();
    let device = Removable::new(&machine);
    {
        let _raised = irql::raise(2);
        let guard = device.rundown().acquire().expect("active");
        assert_eq!(format!("{guard:?}"), "RundownGuard { .. }");
    }
    device.remove();
}

#[test]
fn h27_memory_goes_as_soon_as_the_run_down_ends() {
    let machine = Machine::new();
    for _ in 0..10 {
        let device = Removable::new(&machine);
        let guards = [(); 2].map(|()| device.rundown().acquire().expect("active"));
        device.remove_while_dropped(&machine, guards);
    }
}

#[test]
fn h27_leaked_access_is_reported() {
    let machine = Machine::new();
    let device = Removable::new(&machine);
    std::mem::forget(device.rundown().acquire().expect("active"));
    device.keep();
    let report = machine.into_report();
    assert!(report.has(ViolationKind::RundownLeaked), "{report}");
}
