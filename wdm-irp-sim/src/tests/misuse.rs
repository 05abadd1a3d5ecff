//! Every misuse is found, named, and survived.

use std::time::Duration;

use wdm_irp::sys::{
    APC_LEVEL, DISPATCH_LEVEL, STATUS_INVALID_DEVICE_REQUEST, STATUS_INVALID_PARAMETER,
    STATUS_MORE_PROCESSING_REQUIRED, STATUS_PENDING, STATUS_SUCCESS,
};

use super::*;
use crate::{When, irql};

#[test]
fn leaked() {
    let machine = Machine::new();
    let _ = Irp::allocate(1);
    let report = machine.into_report();
    assert_kinds(&report, &[ViolationKind::IrpLeaked]);
    let text = report.to_string();
    assert!(text.contains("DRIVER_VERIFIER_DETECTED_VIOLATION (0xC4"));
    assert!(text.contains("IRP#1: never freed; not sent"), "{text}");
    assert!(text.contains("IoAllocateIrp(StackSize 1)"), "{text}");
}

#[test]
#[should_panic(expected = "IrpLeaked")]
fn a_leak_panics_when_the_machine_finishes() {
    let machine = Machine::new();
    let _ = Irp::allocate(1);
    machine.finish();
}

#[test]
#[should_panic(expected = "IrpLeaked")]
fn a_leak_panics_when_the_machine_is_dropped() {
    let _machine = Machine::new();
    let _ = Irp::allocate(1);
}

#[test]
#[should_panic(expected = "the test's own")]
fn a_panic_of_the_test_is_not_hidden() {
    let _machine = Machine::new();
    let _ = Irp::allocate(1);
    panic!("the test's own");
}

#[test]
fn leaked_in_flight() {
    let machine = Machine::new();
    let device = machine.device(Behavior::complete(STATUS_SUCCESS, 0).when(When::triggered()));
    let counter = Counter::default();
    let irp = Irp::allocate(1);
    irp.major(major::READ)
        .routine(count, counter.context())
        .call(&device);
    let report = machine.into_report();
    assert_kinds(&report, &[ViolationKind::IrpLeaked]);
    assert!(
        report.violations[0]
            .detail
            .contains("in flight at device 1"),
        "{report}"
    );
}

#[test]
fn lost_by_its_driver() {
    let machine = Machine::new();
    let device = machine.device(Behavior::custom(|irp| {
        irp.mark_pending();
        STATUS_PENDING
    }));
    let counter = Counter::default();
    Irp::allocate(1)
        .major(major::READ)
        .routine(count, counter.context())
        .call(&device);
    let report = machine.into_report();
    assert_kinds(&report, &[ViolationKind::IrpLeaked]);
    assert!(report.to_string().contains("the driver has lost the IRP"));
}

#[test]
fn freed_twice() {
    let machine = Machine::new();
    let irp = Irp::allocate(1);
    irp.free();
    irp.free();
    assert_kinds(&machine.into_report(), &[ViolationKind::IrpFreedTwice]);
}

#[test]
fn freed_in_flight_and_completed_afterwards() {
    let machine = Machine::new();
    let device = machine.device(Behavior::complete(STATUS_SUCCESS, 0).when(When::triggered()));
    let counter = Counter::default();
    let irp = Irp::allocate(1);
    irp.major(major::READ)
        .routine(count, counter.context())
        .call(&device);
    irp.free();
    assert!(device.complete_next(STATUS_SUCCESS, 0));
    assert_eq!(counter.calls(), 0, "the context may be gone");
    assert_kinds(&machine.into_report(), &[ViolationKind::IrpFreedInFlight]);
}

#[test]
fn used_after_free() {
    let (machine, device) = machine_and_device();
    let irp = Irp::allocate(1);
    irp.free();
    assert_eq!(irp.call(&device), STATUS_INVALID_PARAMETER);
    irp.complete();
    assert!(!irp.cancel());
    assert_kinds(
        &machine.into_report(),
        &[
            ViolationKind::FreedIrpUsed,
            ViolationKind::FreedIrpUsed,
            ViolationKind::FreedIrpUsed,
        ],
    );
}

#[test]
#[cfg(not(miri))] // Miri stops at the write itself.
fn written_after_free() {
    let machine = Machine::new();
    let irp = Irp::allocate(1);
    irp.free();
    // SAFETY: not valid in the kernel; the model keeps the memory to notice this.
    unsafe { (*irp.0).UserBuffer = std::ptr::null_mut() };
    assert_kinds(&machine.into_report(), &[ViolationKind::WriteAfterFree]);
}

#[test]
#[cfg(not(miri))] // Miri stops at the write itself.
fn marked_pending_without_own_location() {
    for free in [false, true] {
        let machine = Machine::new();
        let irp = Irp::allocate(1);
        // SAFETY: not valid in the kernel; the model has put a guard there.
        unsafe { sys::IoMarkIrpPending(irp.0) };
        if free {
            irp.free();
            assert_kinds(&machine.into_report(), &[ViolationKind::IrpOverrun]);
        } else {
            assert_kinds(
                &machine.into_report(),
                &[ViolationKind::IrpLeaked, ViolationKind::IrpOverrun],
            );
        }
    }
}

#[test]
fn not_an_irp() {
    let (machine, device) = machine_and_device();
    let irp = Irp(std::ptr::null_mut());
    irp.free();
    assert_eq!(irp.call(&device), STATUS_INVALID_PARAMETER);
    irp.complete();
    assert!(!irp.cancel());
    assert_kinds(&machine.into_report(), &[ViolationKind::UnknownIrp; 4]);
}

#[test]
fn not_a_device() {
    let machine = Machine::new();
    let irp = Irp::allocate(1);
    // SAFETY: the model checks the device.
    let status = unsafe { sys::IofCallDriver(std::ptr::null_mut(), irp.0) };
    assert_eq!(status, STATUS_INVALID_PARAMETER);
    irp.free();
    assert_kinds(&machine.into_report(), &[ViolationKind::UnknownDevice]);
}

#[test]
fn bad_stack_size() {
    let machine = Machine::new();
    for size in [0, -1] {
        // SAFETY: the model checks the size.
        assert!(unsafe { sys::IoAllocateIrp(size, 0) }.is_null());
    }
    assert_kinds(&machine.into_report(), &[ViolationKind::BadStackSize; 2]);
}

#[test]
fn too_few_stack_locations() {
    let machine = Machine::new();
    let disk = machine.device(Behavior::complete(STATUS_SUCCESS, 0));
    let filter = machine.filter_over(&disk);
    let counter = Counter::default();
    let irp = Irp::allocate(1);
    irp.major(major::READ).routine(count, counter.context());
    assert_eq!(irp.call(&filter), STATUS_INVALID_DEVICE_REQUEST);
    assert_eq!(counter.calls(), 1);
    assert_eq!(irp.status(), STATUS_INVALID_DEVICE_REQUEST);
    assert!(disk.received().is_empty());
    irp.free();
    assert_kinds(
        &machine.into_report(),
        &[ViolationKind::NoMoreStackLocations],
    );
}

#[test]
fn no_stack_location_left_for_the_originator() {
    let (machine, device) = machine_and_device();
    let irp = Irp::allocate(1);
    irp.own_location();
    assert_eq!(irp.call(&device), STATUS_INVALID_PARAMETER);
    irp.free();
    assert_kinds(
        &machine.into_report(),
        &[ViolationKind::NoMoreStackLocations],
    );
}

#[test]
fn sent_while_in_flight() {
    let machine = Machine::new();
    let device = machine.device(Behavior::complete(STATUS_SUCCESS, 0).when(When::triggered()));
    let counter = Counter::default();
    let irp = Irp::allocate(2);
    irp.major(major::READ)
        .routine(count, counter.context())
        .call(&device);
    assert_eq!(irp.call(&device), STATUS_INVALID_PARAMETER);
    assert!(device.complete_next(STATUS_SUCCESS, 0));
    irp.free();
    assert_kinds(&machine.into_report(), &[ViolationKind::SentInFlight]);
}

#[test]
fn sent_without_routine() {
    let (machine, device) = machine_and_device();
    let irp = Irp::allocate(1);
    irp.major(major::READ).call(&device);
    irp.free();
    let report = machine.into_report();
    assert_kinds(
        &report,
        &[
            ViolationKind::SentWithoutRoutine,
            ViolationKind::RoutineNotCalled,
        ],
    );
    assert!(report.to_string().contains("rule IoAllocateForward"));
}

#[test]
fn the_routine_lets_the_completion_continue() {
    unsafe extern "system" fn lets_go(
        _: *mut DEVICE_OBJECT,
        _: *mut IRP,
        _: *mut c_void,
    ) -> NTSTATUS {
        STATUS_SUCCESS
    }
    let (machine, device) = machine_and_device();
    let irp = Irp::allocate(1);
    irp.major(major::READ)
        .routine(lets_go, std::ptr::null_mut())
        .call(&device);
    irp.free();
    assert_kinds(
        &machine.into_report(),
        &[ViolationKind::RoutineLetCompletionContinue],
    );
}

#[test]
fn completed_by_its_originator() {
    let machine = Machine::new();
    let irp = Irp::allocate(1);
    irp.complete();
    irp.free();
    assert_kinds(
        &machine.into_report(),
        &[ViolationKind::CompletedByOriginator],
    );
}

#[test]
fn completed_twice() {
    let machine = Machine::new();
    let device = machine.device(Behavior::custom(|irp| {
        let raw = irp.as_ptr();
        let status = irp.complete(STATUS_SUCCESS, 0);
        Irp(raw).complete();
        status
    }));
    let counter = Counter::default();
    let irp = Irp::allocate(1);
    irp.major(major::READ)
        .routine(count, counter.context())
        .call(&device);
    assert_eq!(counter.calls(), 1);
    irp.free();
    let report = machine.into_report();
    assert_kinds(&report, &[ViolationKind::CompletedTwice]);
    assert!(
        report
            .to_string()
            .contains("MULTIPLE_IRP_COMPLETE_REQUESTS (0x44)")
    );
}

#[test]
fn completed_twice_at_once() {
    let machine = Machine::new();
    machine
        .faults()
        .delay(crate::Point::BeforeRoutine, milliseconds(100));
    let device = machine.device(Behavior::complete(STATUS_SUCCESS, 0).when(When::triggered()));
    let counter = Counter::default();
    let irp = Irp::allocate(1);
    irp.major(major::READ)
        .routine(count, counter.context())
        .call(&device);
    let first = machine.spawn(move || device.complete_next(STATUS_SUCCESS, 0));
    until(|| has_entry(&machine, "IofCompleteRequest"));
    irp.complete();
    assert!(first.join().unwrap());
    assert_eq!(counter.calls(), 1);
    irp.free();
    assert_kinds(&machine.into_report(), &[ViolationKind::CompletedTwice]);
}

#[test]
fn a_filters_routine_completes_to_one_that_holds_back_and_lets_the_completion_continue() {
    unsafe extern "system" fn complete_again(
        _: *mut DEVICE_OBJECT,
        irp: *mut IRP,
        _: *mut c_void,
    ) -> NTSTATUS {
        Irp(irp).complete();
        STATUS_SUCCESS
    }
    let machine = Machine::new();
    let disk = machine.device(Behavior::complete(STATUS_SUCCESS, 0));
    let lower_filter = machine.device(Behavior::custom({
        let disk = disk.clone();
        move |irp| {
            let raw = Irp(irp.as_ptr());
            std::mem::forget(irp);
            raw.major(major::READ)
                .routine(complete_again, std::ptr::null_mut())
                .call(&disk)
        }
    }));
    let upper_filter = machine.device(Behavior::custom({
        let lower_filter = lower_filter.clone();
        move |irp| {
            let held_back = Counter::default();
            Irp(irp.as_ptr())
                .major(major::READ)
                .routine(count, held_back.context())
                .call(&lower_filter);
            assert_eq!(held_back.calls(), 1);
            irp.complete(STATUS_SUCCESS, 0)
        }
    }));
    let counter = Counter::default();
    let irp = Irp::allocate(3);
    irp.major(major::READ)
        .routine(count, counter.context())
        .call(&upper_filter);
    assert_eq!(counter.calls(), 1);
    irp.free();
    let report = machine.into_report();
    assert_kinds(&report, &[ViolationKind::CompletedTwice]);
    let detail = &report.violations[0].detail;
    assert!(detail.contains("let the completion continue"), "{detail}");
}

#[test]
fn a_filters_routine_completes_and_lets_the_completion_continue() {
    unsafe extern "system" fn complete_again(
        _: *mut DEVICE_OBJECT,
        irp: *mut IRP,
        _: *mut c_void,
    ) -> NTSTATUS {
        Irp(irp).complete();
        STATUS_SUCCESS
    }
    let machine = Machine::new();
    let disk = machine.device(Behavior::complete(STATUS_SUCCESS, 0));
    let filter = machine.device(Behavior::custom({
        let disk = disk.clone();
        move |irp| {
            let raw = Irp(irp.as_ptr());
            std::mem::forget(irp);
            raw.major(major::READ)
                .routine(complete_again, std::ptr::null_mut())
                .call(&disk)
        }
    }));
    let counter = Counter::default();
    let irp = Irp::allocate(2);
    irp.major(major::READ)
        .routine(count, counter.context())
        .call(&filter);
    assert_eq!(counter.calls(), 1);
    irp.free();
    assert_kinds(&machine.into_report(), &[ViolationKind::CompletedTwice]);
}

#[test]
fn a_filter_may_hold_an_irp_back_in_its_routine_and_complete_it_later() {
    let machine = Machine::new();
    machine.strict_lower(true);
    let disk = machine.device(Behavior::complete(STATUS_SUCCESS, 0));
    let filter = machine.device(Behavior::custom({
        let disk = disk.clone();
        move |irp| {
            let counter = Counter::default();
            let raw = Irp(irp.as_ptr());
            let status = raw
                .major(major::READ)
                .routine(count, counter.context())
                .call(&disk);
            assert_eq!((status, counter.calls()), (STATUS_SUCCESS, 1));
            irp.complete(STATUS_SUCCESS, 3)
        }
    }));
    let counter = Counter::default();
    let irp = Irp::allocate(2);
    irp.major(major::READ)
        .routine(count, counter.context())
        .call(&filter);
    assert_eq!(counter.calls(), 1);
    irp.free();
    machine.finish();
}

#[test]
fn irql() {
    let (machine, device) = machine_and_device();
    let counter = Counter::default();
    let irp = Irp::allocate(1);
    {
        let _raised = irql::raise(APC_LEVEL);
        // IRP_MJ_FLUSH_BUFFERS
        irp.major(9).routine(count, counter.context()).call(&device);
    }
    assert!(machine.take_violations().is_empty());
    {
        let _raised = irql::raise(DISPATCH_LEVEL);
        irp.major(major::READ)
            .routine(count, counter.context())
            .call(&device);
        assert!(machine.take_violations().is_empty());
        irp.major(9).routine(count, counter.context()).call(&device);
        assert_eq!(
            machine.take_violations()[0].kind,
            ViolationKind::SentAtBadIrql
        );
    }
    {
        let _raised = irql::raise(DISPATCH_LEVEL + 1);
        irp.free();
    }
    assert_kinds(&machine.into_report(), &[ViolationKind::IrqlTooHigh]);
}

#[test]
fn a_dispatch_routine_that_leaves_the_irql_raised() {
    let machine = Machine::new();
    let device = machine.device(Behavior::custom(|irp| {
        std::mem::forget(irql::raise(DISPATCH_LEVEL));
        irp.complete(STATUS_SUCCESS, 0)
    }));
    send_and_wait(&device);
    crate::kernel::this_thread::set_irql(0);
    assert_kinds(&machine.into_report(), &[ViolationKind::IrqlChanged]);
}

#[test]
fn the_cancel_lock_twice_and_not_at_all() {
    let machine = Machine::new();
    let mut irql = 0xFF;
    // SAFETY: writable.
    unsafe { sys::IoAcquireCancelSpinLock(&raw mut irql) };
    assert_eq!((irql, crate::irql::current()), (0, DISPATCH_LEVEL));
    let mut again = 0xFF;
    // SAFETY: writable.
    unsafe { sys::IoAcquireCancelSpinLock(&raw mut again) };
    // SAFETY: the model checks the lock.
    unsafe { sys::IoReleaseCancelSpinLock(irql) };
    assert_eq!(crate::irql::current(), 0);
    // SAFETY: the model checks the lock.
    unsafe { sys::IoReleaseCancelSpinLock(irql) };
    assert_kinds(
        &machine.into_report(),
        &[
            ViolationKind::CancelLockAlreadyOwned,
            ViolationKind::CancelLockNotOwned,
        ],
    );
}

#[test]
fn a_late_completion_is_waited_for_before_the_check() {
    unsafe extern "system" fn free(
        _: *mut DEVICE_OBJECT,
        irp: *mut IRP,
        _: *mut c_void,
    ) -> NTSTATUS {
        Irp(irp).free();
        STATUS_MORE_PROCESSING_REQUIRED
    }
    let machine = Machine::new();
    let device = machine
        .device(Behavior::complete(STATUS_SUCCESS, 0).when(When::after(Duration::from_millis(20))));
    Irp::allocate(1)
        .major(major::READ)
        .routine(free, std::ptr::null_mut())
        .call(&device);
    machine.finish();
}

#[test]
fn leaked_after_its_completion() {
    let (machine, device) = machine_and_device();
    let counter = Counter::default();
    Irp::allocate(1)
        .major(major::READ)
        .routine(count, counter.context())
        .call(&device);
    let report = machine.into_report();
    assert_kinds(&report, &[ViolationKind::IrpLeaked]);
    assert_eq!(
        report.violations[0].detail,
        "never freed; completed, at the originator"
    );
}

#[test]
fn the_type_of_an_irp_is_overwritten() {
    let (machine, device) = machine_and_device();
    let irp = Irp::allocate(1);
    // SAFETY: the IRP is this test's.
    unsafe { (*irp.0).Type = 3 };
    assert_eq!(irp.call(&device), STATUS_INVALID_PARAMETER);
    irp.free();
    let report = machine.into_report();
    assert_kinds(&report, &[ViolationKind::IrpCorrupted; 2]);
    assert_eq!(
        report.violations[1].detail,
        "IoFreeIrp: Irp->Type is not IO_TYPE_IRP"
    );
}

#[test]
fn sent_with_half_a_registration() {
    for with_routine in [false, true] {
        let (machine, device) = machine_and_device();
        let counter = Counter::default();
        let irp = Irp::allocate(1).major(major::READ);
        if with_routine {
            irp.routine(count, counter.context()).control(0);
        } else {
            irp.control(sys::SL_INVOKE_ALWAYS);
        }
        irp.call(&device);
        assert_eq!(counter.calls(), 0);
        irp.free();
        assert_kinds(
            &machine.into_report(),
            &[
                ViolationKind::SentWithoutRoutine,
                ViolationKind::RoutineNotCalled,
            ],
        );
    }
}

#[test]
fn the_buffer_of_an_irp_that_was_freed_in_flight_is_not_touched() {
    let machine = Machine::new();
    let device = machine.device(Behavior::complete(STATUS_SUCCESS, 0).when(When::triggered()));
    let counter = Counter::default();
    let mut buffer = [0_u8; 4];
    let start = buffer.as_mut_ptr();
    let irp = Irp::allocate(1);
    irp.read(start, 4)
        .routine(count, counter.context())
        .call(&device);
    irp.free();
    let at_driver = device.take_next().unwrap();
    assert_eq!(at_driver.write_output(&[1; 4]), 0);
    at_driver.complete(STATUS_SUCCESS, 4);
    // SAFETY: the array is alive.
    assert_eq!(unsafe { start.cast::<[u8; 4]>().read() }, [0; 4]);
    assert_kinds(&machine.into_report(), &[ViolationKind::IrpFreedInFlight]);
}

#[test]
fn every_late_completion_is_waited_for() {
    unsafe extern "system" fn free(
        _: *mut DEVICE_OBJECT,
        irp: *mut IRP,
        _: *mut c_void,
    ) -> NTSTATUS {
        Irp(irp).free();
        STATUS_MORE_PROCESSING_REQUIRED
    }
    let machine = Machine::new();
    for delay in [100, 1] {
        let when = When::after(milliseconds(delay));
        let device = machine.device(Behavior::complete(STATUS_SUCCESS, 0).when(when));
        Irp::allocate(1)
            .major(major::READ)
            .routine(free, std::ptr::null_mut())
            .call(&device);
    }
    machine.settle();
    assert_eq!(machine.live_irps(), 0);
    machine.finish();
}
