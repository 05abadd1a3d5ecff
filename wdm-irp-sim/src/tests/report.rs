//! Reports.

use wdm_irp::sys::IoReleaseCancelSpinLock;

use crate::{Machine, ViolationKind};

#[test]
fn a_report_tells_what_was_found() {
    let machine = Machine::new();
    let clean = machine.into_report();
    assert!(clean.is_clean());
    assert!(!clean.has(ViolationKind::CancelLockNotOwned));
    assert_eq!(clean.to_string(), "no violations");

    let machine = Machine::new();
    // SAFETY: the model checks that the lock is held.
    unsafe { IoReleaseCancelSpinLock(0) };
    let report = machine.into_report();
    assert!(!report.is_clean());
    assert!(report.has(ViolationKind::CancelLockNotOwned));
    assert!(!report.has(ViolationKind::CancelLockAlreadyOwned));
    let text = report.to_string();
    let violation = "SPIN_LOCK_NOT_OWNED (0x10) CancelLockNotOwned: IoReleaseCancelSpinLock by a processor that \
                     does not hold the lock [thread originator, PASSIVE_LEVEL]\n\ntimeline:\n";
    assert!(text.starts_with(violation), "{text}");
}
