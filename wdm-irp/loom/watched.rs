//! Whoever frees an IRP or a block of pool memory must be ordered after everybody who has used it:
//! the host model watches that. Bugs in `bugs/` show that these models can fail.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use loom::sync::atomic::AtomicBool;
use wdm_irp::sys::{
    ExAllocatePoolWithTag, ExFreePoolWithTag, IO_NO_INCREMENT, IRP, IoAllocateIrp, IoCancelIrp,
    IoFreeIrp, IoReuseIrp, KEVENT, KeInitializeEvent, KeSetEvent, NonPagedPoolNx,
    NotificationEvent, STATUS_SUCCESS,
};
use wdm_irp_sim::Machine;

use crate::explore;

const TAG: u32 = 1;

/// An address that is handed to another thread.
struct Address<T>(*mut T);

// SAFETY: the threads of a model agree on who uses what is there, or the model fails.
unsafe impl<T> Send for Address<T> {}

/// Lets another thread use something, and takes it back when that says that it has.
fn use_and_take_back<T: 'static>(
    machine: &Machine,
    address: *mut T,
    uses: fn(*mut T),
    takes_back: fn(*mut T),
) {
    let done = Arc::new(AtomicBool::new(false));
    let (other, address_of_other) = (done.clone(), Address(address));
    let thread = machine.spawn(move || {
        let Address(address) = { address_of_other };
        uses(address);
        other.store(true, Ordering::Release);
    });
    let taken = done.load(Ordering::Acquire);
    if taken {
        takes_back(address);
    }
    thread.join().unwrap();
    if !taken {
        takes_back(address);
    }
}

fn cancelled(takes_back: fn(*mut IRP)) {
    explore("cancelled by another thread", None, move |machine| {
        // SAFETY: the stack size is positive, as the DDI asks.
        let irp = unsafe { IoAllocateIrp(1, 0) };
        let cancel = |irp| {
            // SAFETY: freed by the other thread after this one has said so.
            unsafe { IoCancelIrp(irp) };
        };
        use_and_take_back(machine, irp, cancel, takes_back);
    });
}

fn free(irp: *mut IRP) {
    // SAFETY: allocated by the model, not in flight, and used by nobody any more.
    unsafe { IoFreeIrp(irp) };
}

fn reuse_and_free(irp: *mut IRP) {
    // SAFETY: allocated by the model, not in flight, and used by nobody any more.
    unsafe { IoReuseIrp(irp, STATUS_SUCCESS) };
    free(irp);
}

#[test]
fn cancelled_then_freed() {
    cancelled(free);
}

#[test]
fn cancelled_then_reused() {
    cancelled(reuse_and_free);
}

#[test]
fn signaled_then_freed() {
    explore("signaled by another thread", None, |machine| {
        // SAFETY: the arguments are as the DDI asks.
        let block = unsafe { ExAllocatePoolWithTag(NonPagedPoolNx, size_of::<KEVENT>(), TAG) };
        let event = block.cast::<KEVENT>();
        // SAFETY: a block of this size, which nobody else knows.
        unsafe { KeInitializeEvent(event, NotificationEvent, 0) };
        let signal = |event| {
            // SAFETY: initialized above; freed by the other thread after this one has said so.
            unsafe { KeSetEvent(event, IO_NO_INCREMENT, 0) };
        };
        let take_back = |event: *mut KEVENT| {
            // SAFETY: allocated above with this tag, and used by nobody any more.
            unsafe { ExFreePoolWithTag(event.cast(), TAG) };
        };
        use_and_take_back(machine, event, signal, take_back);
    });
}
