//! The IRQL of each thread.

use std::ffi::c_void;

use wdm_irp::sys::{
    self, APC_LEVEL, DEVICE_OBJECT, DISPATCH_LEVEL, IO_REMOVE_LOCK, IRP, NTSTATUS, PASSIVE_LEVEL,
    PagedPool, STATUS_MORE_PROCESSING_REQUIRED, STATUS_SUCCESS,
};

use super::support::{Event, Irp, assert_kinds, machine_and_device_when};
use crate::io::major;
use crate::irql::{current, raise};
use crate::memory::Memory;
use crate::{Machine, ViolationKind, When};

#[test]
fn raising_nests_and_is_per_thread() {
    let machine = Machine::new();
    assert_eq!(current(), PASSIVE_LEVEL);
    {
        let _apc = raise(APC_LEVEL);
        {
            let _dispatch = raise(DISPATCH_LEVEL);
            assert_eq!(current(), DISPATCH_LEVEL);
            assert_eq!(machine.spawn(current).join().unwrap(), PASSIVE_LEVEL);
        }
        assert_eq!(current(), APC_LEVEL);
    }
    assert_eq!(current(), PASSIVE_LEVEL);
    machine.finish();
}

#[test]
fn raising_to_a_lower_level_is_a_violation() {
    let machine = Machine::new();
    let _dispatch = raise(DISPATCH_LEVEL);
    drop(raise(APC_LEVEL));
    assert_eq!(current(), DISPATCH_LEVEL);
    let found = machine.take_violations();
    assert_eq!(found[0].kind, ViolationKind::IrqlNotGreaterOrEqual);
    assert_eq!(found.len(), 1);
}

/// Frees paged pool, waits, and initializes a remove lock: nothing for a completion routine.
unsafe extern "system" fn careless(
    _: *mut DEVICE_OBJECT,
    _: *mut IRP,
    context: *mut c_void,
) -> NTSTATUS {
    // SAFETY: the context is paged pool with this tag, which nobody else uses.
    unsafe { sys::ExFreePoolWithTag(context, 1) };
    let event = Event::notification();
    event.set();
    event.wait(None);
    event.free();
    let lock = Memory::zeroed(size_of::<IO_REMOVE_LOCK>());
    let size = u32::try_from(lock.size()).unwrap();
    // SAFETY: writable memory of this size, which nobody else knows.
    unsafe { sys::IoInitializeRemoveLockEx(lock.cast(), 1, 0, 0, size) };
    STATUS_MORE_PROCESSING_REQUIRED
}

/// Sends a request with [`careless`] to a driver that completes it like this.
fn send_carelessly(when: When) -> Machine {
    let (machine, device) = machine_and_device_when(when);
    // SAFETY: the arguments are as the DDI asks.
    let paged = unsafe { sys::ExAllocatePoolWithTag(PagedPool, 8, 1) };
    let irp = Irp::allocate(1);
    irp.major(major::READ)
        .routine(careless, paged)
        .call(&device);
    assert_eq!(irp.status(), STATUS_SUCCESS);
    irp.free();
    assert_eq!(current(), PASSIVE_LEVEL);
    machine
}

#[test]
fn a_driver_that_raises_the_irql_shows_what_a_routine_must_not_do() {
    send_carelessly(When::inline()).finish();
    let machine = send_carelessly(When::inline().raised_to(APC_LEVEL));
    assert_kinds(&machine.into_report(), &[ViolationKind::IrqlTooHigh]);
    for when in [When::inline(), When::inline_marked()] {
        let machine = send_carelessly(when.raised_to(DISPATCH_LEVEL));
        assert_kinds(
            &machine.into_report(),
            &[
                ViolationKind::PagedPoolFreedAtBadIrql,
                ViolationKind::WaitAtBadIrql,
                ViolationKind::IrqlTooHigh,
            ],
        );
    }
}
