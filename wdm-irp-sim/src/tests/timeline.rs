//! The timeline of whole requests.

use wdm_irp::sys::STATUS_SUCCESS;

use super::*;
use crate::{DeviceOptions, Lane, When};

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
    machine.settle();
    let timeline = machine.timeline();
    let text = timeline.clone().without_times().to_text();
    // The end of the routine and the end of the wait come in any order: look at each thread by itself.
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
originator  PASSIVE   originator          KeWaitForSingleObject(KernelMode, for ever)
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
