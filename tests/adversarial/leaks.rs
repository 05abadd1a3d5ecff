//! Programs that leak whatever they get hold of, wherever they can.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use wdm_irp::in_flight::Sent;
use wdm_irp::sys::STATUS_SUCCESS;
use wdm_irp::{ByteOffset, Timeout};
use wdm_irp_sim::{Machine, ViolationKind, When};
use wdm_irp_tests::{AnyOutcome, LONG, SOON, Slot, Watched, allocate, disk, passive, read};

use super::common::{Bytes, every_journey, read_arc, shared};

/// Whatever is leaked, wherever: memory is lost, and nothing else goes wrong.
#[test]
#[cfg_attr(miri, ignore = "leaks on purpose, which Miri reports")]
fn everything_is_leaked_everywhere() {
    use std::mem::forget;

    static SLOTS: [Slot<shared, Bytes>; 4] = [const { Slot::new() }; 4];

    let at = passive();
    for when in every_journey() {
        let machine = Machine::new();
        let disk = disk(&machine, when);
        let context = Arc::new(());
        let request = || read_arc(&disk, &context);
        forget(request());
        machine.fail_next_pool_allocation();
        forget(request().send_boxed(&at).expect_err("no pool"));
        forget(request().send_boxed(&at));
        forget(request().send_cancellable(&at));
        let slot = SLOTS
            .iter()
            .find(|slot| format!("{slot:?}").contains("false"));
        if let Some(slot) = slot {
            forget(request().send_in(slot, &at));
        }
        let mut buffer = [0; 8];
        for _ in 0..2 {
            let borrowed = read(disk.target(), &mut buffer, 0, shared, context.clone());
            forget(borrowed.send_scoped(&at, |sent| forget(sent)));
            buffer.fill(1);
            let borrowed = read(disk.target(), &mut buffer, 0, shared, context.clone());
            forget(borrowed.send_scoped_cancellable(&at, |sent, canceller| {
                canceller.cancel();
                forget((sent, canceller));
            }));
            buffer.fill(2);
            let waited = request().send_boxed(&at).expect("memory");
            forget(waited.wait(&at, Timeout::milliseconds(5)).completed());
        }
        forget(request().send_and_wait(&at, Timeout::milliseconds(5)));
        while disk.complete_next(STATUS_SUCCESS, 8) {}
        let report = machine.into_report();
        let only_leaks = report.violations.iter().all(|found| {
            use wdm_irp_sim::ViolationKind::{IrpLeaked, ObjectLeaked, PoolLeaked};
            matches!(found.kind, IrpLeaked | ObjectLeaked | PoolLeaked)
        });
        assert!(!report.is_clean() && only_leaks, "{report}");
    }
}

/// A completed request that is leaked in a scope leaks what it has; the borrow ends all the same.
#[test]
#[cfg_attr(miri, ignore = "leaks on purpose, which Miri reports")]
fn completed_request_is_leaked_in_its_scope() {
    let machine = Machine::new();
    let disk = disk(&machine, When::inline());
    let context = Arc::new(());
    let mut buffer = [0; 8];
    for _ in 0..2 {
        let request = read(disk.target(), &mut buffer, 5, shared, context.clone());
        let scoped = request.send_scoped(passive(), |sent| {
            assert!(matches!(sent, Sent::Completed(_)));
            std::mem::forget(sent);
        });
        scoped.expect("sent");
        assert_eq!(buffer, [5, 6, 7, 8, 9, 10, 11, 12]);
        buffer.fill(0);
    }
    assert_eq!((machine.live_irps(), Arc::strong_count(&context)), (2, 3));
    assert!(!machine.into_report().is_clean());
}

/// A canceller that is forgotten leaks the IRP and its memory, and nothing else.
#[test]
#[cfg_attr(miri, ignore = "leaks on purpose, which Miri reports")]
fn forgotten_canceller_leaks_no_context_buffer_nor_target() {
    static BUFFERS: AtomicU32 = AtomicU32::new(0);

    let machine = Machine::new();
    let disk = disk(&machine, When::after(SOON));
    let references = disk.references();
    let context = Arc::new(());
    for wait in [false, true] {
        let request = allocate(disk.target())
            .read(Watched::new(vec![0; 8], &BUFFERS), ByteOffset(0))
            .on_completion(shared, context.clone());
        let (sent, canceller) = request.send_cancellable(passive()).expect("memory");
        std::mem::forget(canceller);
        if wait {
            drop(sent.wait(passive(), LONG).expect("read"));
        }
    }
    machine.join_drivers();
    assert_eq!(
        (BUFFERS.load(Ordering::SeqCst), Arc::strong_count(&context)),
        (2, 1)
    );
    assert_eq!(disk.references(), references);
    let report = machine.into_report();
    let only_leaks = report.violations.iter().all(|found| {
        matches!(
            found.kind,
            ViolationKind::IrpLeaked | ViolationKind::PoolLeaked
        )
    });
    assert!(!report.is_clean() && only_leaks, "{report}");
}
