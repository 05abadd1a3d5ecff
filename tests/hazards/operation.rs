//! Lower drivers that break the pending contract, hazard [H23](../../docs/hazards.md#h23).
//!
//! No hang, no use after free: the machine checks both.

use wdm_irp::IrpError;
use wdm_irp::sys::{
    STATUS_DRIVER_INTERNAL_ERROR, STATUS_PENDING, STATUS_SUCCESS, STATUS_UNSUCCESSFUL,
};
use wdm_irp_sim::{Behavior, Machine, When};
use wdm_irp_tests::{Count, LONG, SOON, count, disk, every_way, passive, read};

/// Sends a read to such a driver in every way there is, and expects it to succeed each time.
fn survives(when: When) {
    static SLOT: wdm_irp_tests::Slot<count, [u8; 8]> = wdm_irp_tests::Slot::new();
    static ONE_AT_A_TIME: std::sync::Mutex<()> = std::sync::Mutex::new(());

    let machine = Machine::new();
    let disk = disk(&machine, when);
    let request = || read(disk.target(), [0; 8], 0, count, Count::default());
    let check = |completed: wdm_irp_tests::Completed<count, [u8; 8]>| {
        assert_eq!(completed.status(), STATUS_SUCCESS);
        assert_eq!(*completed.buffer(), [0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(completed.context().get(), 1);
        assert!(!completed.timed_out());
    };
    for _ in 0..if cfg!(miri) { 1 } else { 10 } {
        let alone = ONE_AT_A_TIME
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        for outcome in every_way(&SLOT, request) {
            check(outcome.expect("read"));
        }
        drop(alone);
    }
}

#[test]
fn h23_pending_returned_without_mark_completed_later() {
    survives(When::after(SOON).unmarked());
}

#[test]
fn h23_pending_returned_without_mark_completed_at_once_by_another_thread() {
    survives(When::before_return().unmarked());
}

#[test]
fn h23_pending_returned_without_mark_completed_inline() {
    survives(When::inline().returning(STATUS_PENDING));
}

#[test]
fn h23_marked_pending_but_success_returned_completed_later() {
    survives(When::after(SOON).returning(STATUS_SUCCESS));
}

#[test]
fn h23_marked_pending_but_error_returned_completed_at_once() {
    survives(When::before_return().returning(STATUS_UNSUCCESSFUL));
}

#[test]
fn h23_marked_pending_completed_inline_but_success_returned() {
    survives(When::inline_marked().returning(STATUS_SUCCESS));
}

#[test]
fn h23_final_status_returned_and_completed_later() {
    survives(When::after(SOON).unmarked().returning(STATUS_SUCCESS));
}

#[test]
fn h23_final_error_returned_and_completed_later_with_success() {
    survives(When::after(SOON).unmarked().returning(STATUS_UNSUCCESSFUL));
}

#[test]
fn h23_legal_neighbors() {
    survives(When::inline());
    survives(When::inline_marked());
    survives(When::after(SOON));
    survives(When::before_return());
}

#[test]
fn h23_completed_with_pending_in_the_io_status_block() {
    let machine = Machine::new();
    let at = passive();
    for when in [When::inline(), When::after(SOON)] {
        let disk = machine.device(Behavior::complete(STATUS_PENDING, 0).when(when));
        let read = read(disk.target(), [0; 8], 0, count, Count::default());
        let error = read.send_and_wait(&at, LONG).expect_err("no final status");
        assert_eq!(
            error.error(),
            IrpError::Device(STATUS_DRIVER_INTERNAL_ERROR)
        );
    }
}
