//! Hazard [H17](../../docs/hazards.md#h17) at run time: an IRQL that no type can see.

use wdm_irp::PassiveLevel;
use wdm_irp::irql::{ApcLevel, DispatchLevel, IrqlTooHigh};
use wdm_irp::sys::{APC_LEVEL, DISPATCH_LEVEL, PASSIVE_LEVEL, STATUS_SUCCESS};
use wdm_irp_sim::{Machine, When, irql};
use wdm_irp_tests::{disk, done, read};

#[test]
fn h17_proofs_are_checked_when_they_are_made() {
    let _machine = Machine::new();
    let held = |level| {
        let _raised = irql::raise(level);
        (
            PassiveLevel::check().is_ok(),
            ApcLevel::check().is_ok(),
            DispatchLevel::check().is_ok(),
        )
    };
    assert_eq!(held(PASSIVE_LEVEL), (true, true, true));
    assert_eq!(held(APC_LEVEL), (false, true, true));
    assert_eq!(held(DISPATCH_LEVEL), (false, false, true));
    assert_eq!(held(DISPATCH_LEVEL + 1), (false, false, false));

    let _raised = irql::raise(DISPATCH_LEVEL);
    let too_high = IrqlTooHigh {
        current: DISPATCH_LEVEL,
        highest: APC_LEVEL,
    };
    assert_eq!(ApcLevel::check().expect_err("too high"), too_high);
}

/// A driver that has queued the IRP completes it when it is cancelled.
#[test]
fn h17_handle_dropped_at_dispatch_level_takes_back_what_is_cancelled_at_once() {
    let machine = Machine::new();
    let at = DispatchLevel::check().expect("lower");
    let sent = read(
        disk(&machine, When::cancelled()).target(),
        [0; 8],
        0,
        done,
        (),
    )
    .send_boxed(&at)
    .expect("sent");
    let raised = irql::raise(DISPATCH_LEVEL);
    drop(sent);
    drop(raised);
    assert_eq!(machine.live_irps(), 0);
    machine.finish();
}

/// The thread must not wait: a completed request is taken back, another one cancelled and left to
/// its routine.
#[test]
fn h17_handle_dropped_at_dispatch_level_does_not_wait() {
    let machine = Machine::new();
    let at = DispatchLevel::check().expect("lower");
    let send = |when| {
        read(disk(&machine, when).target(), [0; 8], 0, done, ())
            .send_boxed(&at)
            .expect("sent")
    };
    let (completed, held) = (
        send(When::before_return()),
        disk(&machine, When::triggered()),
    );
    let pending = read(held.target(), [0; 8], 0, done, ())
        .send_boxed(&at)
        .expect("sent");
    let raised = irql::raise(DISPATCH_LEVEL);
    drop(completed);
    drop(pending);
    assert!(
        held.complete_next(STATUS_SUCCESS, 8),
        "its memory is still there"
    );
    drop(raised);
    machine.join_drivers();
    assert_eq!((machine.live_irps(), machine.live_pool_blocks()), (0, 0));
    assert!(machine.waits().is_empty());
}
