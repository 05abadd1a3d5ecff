//! Machines: their isolation, their threads, and the checks at their end.

use std::ffi::c_void;
use std::sync::Arc;
use std::time::Duration;

use wdm_irp::sys::{
    DEVICE_OBJECT, IRP, NTSTATUS, STATUS_MORE_PROCESSING_REQUIRED, STATUS_PENDING, STATUS_SUCCESS,
};

use super::support::{
    Counter, Irp, assert_kinds, machine_and_device, machine_and_device_when, milliseconds,
    send_and_wait,
};
use crate::io::major;
use crate::{Behavior, Machine, ViolationKind, When};

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
    let (machine, device) = machine_and_device_when(When::triggered());
    let counter = Counter::default();
    let irp = Irp::allocate(1);
    irp.send(&counter, &device);
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
fn leaked_after_its_completion() {
    let (machine, device) = machine_and_device();
    let counter = Counter::default();
    Irp::allocate(1).send(&counter, &device);
    let report = machine.into_report();
    assert_kinds(&report, &[ViolationKind::IrpLeaked]);
    assert_eq!(
        report.violations[0].detail,
        "never freed; completed, at the originator"
    );
}

/// Frees the IRP: the routine of a sender that does not wait.
unsafe extern "system" fn free(_: *mut DEVICE_OBJECT, irp: *mut IRP, _: *mut c_void) -> NTSTATUS {
    Irp(irp).free();
    STATUS_MORE_PROCESSING_REQUIRED
}

#[test]
fn a_late_completion_is_waited_for_before_the_check() {
    let (machine, device) = machine_and_device_when(When::after(Duration::from_millis(20)));
    Irp::allocate(1)
        .major(major::READ)
        .routine(free, std::ptr::null_mut())
        .call(&device);
    machine.finish();
}

#[test]
fn every_late_completion_is_waited_for() {
    let machine = Machine::new();
    for delay in [100, 1] {
        let when = When::after(milliseconds(delay));
        let device = machine.device(Behavior::complete(STATUS_SUCCESS, 0).when(when));
        Irp::allocate(1)
            .major(major::READ)
            .routine(free, std::ptr::null_mut())
            .call(&device);
    }
    machine.join_drivers();
    assert_eq!(machine.live_irps(), 0);
    machine.finish();
}

#[test]
fn many_threads_at_once() {
    let machine = Machine::new();
    let disk = Arc::new(
        machine.device(Behavior::complete(STATUS_SUCCESS, 0).when(When::after(Duration::ZERO))),
    );
    let rounds = if cfg!(miri) { 3 } else { 50 };
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let disk = disk.clone();
            machine.spawn(move || {
                for _ in 0..rounds {
                    assert_eq!(send_and_wait(&disk), (STATUS_PENDING, STATUS_SUCCESS));
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(machine.live_irps(), 0);
    assert_eq!(machine.allocated_irps(), 4 * rounds);
    machine.finish();
}

#[test]
fn machines_do_not_see_each_other() {
    let (outer, device) = machine_and_device();
    {
        let inner = Machine::new();
        let leaked = Irp::allocate(1);
        assert_eq!(inner.live_irps(), 1);
        assert_eq!(outer.live_irps(), 0);
        // A device of another machine: the IRP's machine counts.
        let counter = Counter::default();
        leaked.send(&counter, &device);
        leaked.free();
        inner.finish();
    }
    assert!(Irp::allocate(1).0.addr() != 0);
    assert_eq!(outer.live_irps(), 1);
    assert_kinds(&outer.into_report(), &[ViolationKind::IrpLeaked]);
}

#[test]
fn threads_enter_a_machine_by_its_handle() {
    let machine = Machine::new();
    let handle = machine.handle();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let _entered = handle.enter();
            Irp::allocate(1).free();
        });
    });
    assert_eq!(machine.allocated_irps(), 1);
    machine.finish();
}

#[test]
fn a_thread_on_no_machine_has_one_all_the_same() {
    std::thread::spawn(|| {
        let device = crate::MachineHandle::current().device(Behavior::complete(STATUS_SUCCESS, 0));
        assert_eq!(send_and_wait(&device), (STATUS_SUCCESS, STATUS_SUCCESS));
    })
    .join()
    .unwrap();
}

#[test]
fn an_irp_belongs_to_its_machine_whoever_frees_it() {
    let machine = Machine::new();
    let irp = Irp::allocate(1);
    {
        let other = Machine::new();
        irp.free();
        other.finish();
    }
    assert_eq!(machine.live_irps(), 0);
    machine.finish();
}

#[test]
fn a_handle_prints_nothing_of_the_machine() {
    let machine = Machine::new();
    let handle = machine.handle();
    assert_eq!(format!("{handle:?}"), "MachineHandle { .. }");
    assert_eq!(format!("{:?}", handle.enter()), "Entered { .. }");
    machine.finish();
}
