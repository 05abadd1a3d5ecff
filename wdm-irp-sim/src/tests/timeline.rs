//! The timeline of whole requests.

use std::sync::atomic::{AtomicPtr, Ordering};

use wdm_irp::sys::{STATUS_NOT_SUPPORTED, STATUS_SUCCESS};

use super::support::*;
use crate::io::major;
use crate::{Behavior, DeviceOptions, Lane, Machine, Step, ViolationKind, When};

#[test]
fn an_inline_request() {
    let machine = Machine::new();
    let disk = machine.device_with(
        DeviceOptions::new("disk"),
        Behavior::complete(STATUS_SUCCESS, 512),
    );
    send_and_wait(&disk);
    let text = machine.timeline().without_times().to_text();
    assert_eq!(
        text,
        "\
originator  PASSIVE  originator          IoAllocateIrp(StackSize 1)
originator  PASSIVE  originator          KeInitializeEvent
originator  PASSIVE  originator          IofCallDriver -> disk
originator  PASSIVE  disk                dispatch IRP_MJ_READ (Length 0, ByteOffset 0)
originator  PASSIVE  disk                IofCompleteRequest STATUS_SUCCESS, Information 512
originator  PASSIVE  I/O manager         completion routine: PendingReturned=0
originator  PASSIVE  completion routine  routine returned STATUS_MORE_PROCESSING_REQUIRED
originator  PASSIVE  disk                IofCallDriver returned STATUS_SUCCESS
originator  PASSIVE  originator          IoFreeIrp
"
    );
    machine.finish();
}

#[test]
fn a_pended_request() {
    let machine = Machine::new();
    let disk = machine.device_with(
        DeviceOptions::new("disk"),
        Behavior::complete(STATUS_SUCCESS, 512).when(When::after(milliseconds(40))),
    );
    send_and_wait(&disk);
    machine.join_drivers();
    let timeline = machine.timeline();
    let text = timeline.clone().without_times().to_text();
    // The end of the routine and the end of the wait come in any order: look at each thread by
    // itself.
    let of_thread = |name: &str| -> String {
        text.split_inclusive('\n')
            .filter(|line| line.starts_with(name))
            .collect()
    };
    assert_eq!(
        of_thread("originator"),
        "\
originator  PASSIVE   originator          IoAllocateIrp(StackSize 1)
originator  PASSIVE   originator          KeInitializeEvent
originator  PASSIVE   originator          IofCallDriver -> disk
originator  PASSIVE   disk                dispatch IRP_MJ_READ (Length 0, ByteOffset 0)
originator  PASSIVE   disk                IoMarkIrpPending
originator  PASSIVE   disk                IofCallDriver returned STATUS_PENDING
originator  PASSIVE   originator          KeWaitForSingleObject(KernelMode, forever)
originator  PASSIVE   originator          KeWaitForSingleObject satisfied
originator  PASSIVE   originator          IoFreeIrp
"
    );
    assert_eq!(
        of_thread("worker 1"),
        "\
worker 1    DISPATCH  disk                IofCompleteRequest STATUS_SUCCESS, Information 512
worker 1    DISPATCH  I/O manager         completion routine: PendingReturned=1
worker 1    DISPATCH  completion routine  KeSetEvent
worker 1    DISPATCH  completion routine  routine returned STATUS_MORE_PROCESSING_REQUIRED
"
    );
    assert!(timeline.to_text().contains(" us  "));
    assert!(
        timeline
            .to_svg()
            .contains("completion routine: PendingReturned=1")
    );
    machine.finish();
}

#[test]
fn a_filters_routine_is_the_filters() {
    let machine = Machine::new();
    let disk = machine.device_with(
        DeviceOptions::new("disk"),
        Behavior::complete(STATUS_SUCCESS, 0),
    );
    let filter = machine.filter_over(&disk);
    send_and_wait(&filter);
    let lane = Lane::Device("filter 2".into());
    let timeline = machine.timeline();
    let routines: Vec<&Lane> = timeline
        .entries()
        .iter()
        .filter(|entry| entry.text.starts_with("completion routine"))
        .map(|entry| &entry.to)
        .collect();
    assert_eq!(routines, [&lane, &Lane::Routine]);
    machine.finish();
}

/// Returns the IRP that the latest entry with such a beginning belongs to.
#[track_caller]
fn irp_of(machine: &Machine, text: &str) -> Option<u32> {
    machine
        .timeline()
        .entries()
        .iter()
        .rfind(|entry| entry.text.starts_with(text))
        .expect("there is such an entry")
        .irp
}

#[test]
fn an_event_belongs_to_the_irp_that_its_thread_has_allocated_or_sent_last() {
    let (machine, device) = machine_and_device();
    let event = Event::notification();
    assert_eq!(irp_of(&machine, "KeInitializeEvent"), None);
    let (first, second) = (Irp::allocate(1), Irp::allocate(1));
    event.initialize(0);
    assert_eq!(irp_of(&machine, "KeInitializeEvent"), Some(2));
    let counter = Counter::default();
    first.send(&counter, &device);
    event.initialize(0);
    assert_eq!(irp_of(&machine, "KeInitializeEvent"), Some(1));
    {
        let other = Machine::new();
        event.initialize(0);
        assert_eq!(irp_of(&other, "KeInitializeEvent"), None);
        other.finish();
    }
    first.free();
    second.free();
    event.free();
    machine.finish();
}

#[test]
fn a_wait_belongs_to_the_irp_of_its_event_while_that_is_allocated() {
    let machine = Machine::new();
    let (first, second) = (Irp::allocate(1), Irp::allocate(1));
    let event = Event::notification();
    event.set();
    let third = Irp::allocate(1);
    event.wait(None);
    assert_eq!(irp_of(&machine, "KeWaitForSingleObject"), Some(2));
    second.free();
    event.wait(None);
    assert_eq!(irp_of(&machine, "KeWaitForSingleObject"), Some(3));
    let irps: Vec<Option<u32>> = machine.waits().iter().map(|wait| wait.irp).collect();
    assert_eq!(irps, [Some(2), Some(3)]);
    first.free();
    third.free();
    event.free();
    machine.finish();
}

#[test]
fn a_signal_belongs_to_the_irp_whose_originators_routine_gives_it() {
    let machine = Machine::new();
    let first = Irp::allocate(1);
    let event = Event::notification();
    let of_first = AtomicPtr::new(event.0);
    let device = machine.device(Behavior::sequence([
        Behavior::complete(STATUS_SUCCESS, 0),
        Behavior::custom(move |irp| {
            Event(of_first.load(Ordering::Relaxed)).set();
            irp.complete(STATUS_SUCCESS, 0)
        }),
    ]));
    let second = Irp::allocate(1);
    second
        .major(major::READ)
        .routine(signal, event.context())
        .call(&device);
    assert_eq!(irp_of(&machine, "KeSetEvent"), Some(2));
    // A lower driver signals it: that says nothing about whose event it is.
    let counter = Counter::default();
    second.send(&counter, &device);
    assert_eq!(irp_of(&machine, "KeSetEvent"), Some(1));
    first.free();
    second.free();
    event.free();
    machine.finish();
}

#[test]
fn a_dispatch_entry_tells_the_arguments() {
    let (machine, device) = machine_and_device();
    let counter = Counter::default();
    let irp = Irp::allocate(1);
    let send = |major| {
        irp.major(major)
            .routine(count, counter.context())
            .call(&device);
    };
    // IRP_MJ_FLUSH_BUFFERS
    send(9);
    irp.next().set_buffer_lengths(0, 8);
    irp.next().set_io_control_code(0x0022_2000);
    irp.next().set_type3_input_buffer(std::ptr::null_mut());
    send(major::CONTROL);
    irp.next().set_function(major::CONTROL, 0x14);
    irp.access().set_io_status(STATUS_NOT_SUPPORTED, 0);
    // IRP_MJ_PNP
    send(0x1B);
    irp.free();
    let timeline = machine.timeline();
    let dispatches: Vec<&str> = timeline
        .entries()
        .iter()
        .filter_map(|entry| entry.text.strip_prefix("dispatch "))
        .collect();
    assert_eq!(
        dispatches,
        [
            "IRP_MJ_FLUSH_BUFFERS",
            "IRP_MJ_DEVICE_CONTROL (IoControlCode 0x222000, in 0, out 8)",
            "IRP_MJ_PNP (minor 0x14)",
        ]
    );
    machine.finish();
}

#[test]
fn threads_are_numbered() {
    let machine = Machine::new();
    for _ in 0..2 {
        machine.spawn(|| Irp::allocate(1).free()).join().unwrap();
    }
    {
        let _entered = machine.handle().enter();
        Irp::allocate(1).free();
    }
    Irp::allocate(1).free();
    let timeline = machine.timeline();
    let mut names: Vec<&str> = timeline
        .entries()
        .iter()
        .map(|entry| &*entry.thread)
        .collect();
    names.dedup();
    assert_eq!(names, ["thread 1", "thread 2", "thread 3", "originator"]);
    machine.finish();
}

#[test]
fn only_violations_are_recorded_when_the_timeline_is_not() {
    let machine = Machine::new();
    machine.record_timeline(false);
    let irp = Irp::allocate(1);
    irp.free();
    irp.free();
    let steps: Vec<Step> = machine
        .timeline()
        .entries()
        .iter()
        .map(|entry| entry.step)
        .collect();
    assert_eq!(steps, [Step::Violation]);
    machine.record_timeline(true);
    Irp::allocate(1).free();
    assert_eq!(machine.timeline().entries().len(), 3);
    assert_kinds(&machine.into_report(), &[ViolationKind::IrpFreedTwice]);
}

#[test]
#[cfg(not(miri))] // Tens of thousands of entries.
fn the_oldest_entries_are_forgotten() {
    const KEPT: usize = 1 << 16;
    let machine = Machine::new();
    for number in 0..KEPT + 3 {
        machine.0.note(None, number.to_string());
    }
    let timeline = machine.timeline();
    assert_eq!(timeline.entries().len(), KEPT);
    assert_eq!(timeline.entries()[0].text, "3");
    assert_eq!(
        timeline.of_irp(1).to_text(),
        "(3 earlier entries forgotten)\n"
    );
    machine.finish();
}
