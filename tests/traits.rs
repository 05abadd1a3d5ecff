//! Tests which traits the types have and must not have, and what values print.
#![forbid(unsafe_code)]

use std::ops::DerefMut;
use std::panic::UnwindSafe;

use static_assertions::{assert_impl_all, assert_not_impl_any, const_assert_eq};
use wdm_irp::error::{Failed, NotSent, SendError};
use wdm_irp::in_flight::{CancellableSlot, Canceller, InFlight, ScopedCanceller, Sent};
use wdm_irp::irql::{ApcLevel, DispatchLevel, PassiveOnly};
use wdm_irp::lock_storage::{InExtension, InStatic};
use wdm_irp::remove_lock::{RemoveLock, RemoveLockGuard};
use wdm_irp::request::{Buffered, ControlCode, Read, Request};
use wdm_irp::routine::{IsInline, IsPended};
use wdm_irp::rundown::{RunDown, RundownGuard, RundownProtection};
use wdm_irp::sys::STATUS_DEVICE_BUSY;
use wdm_irp::target::{DevicePair, OpenedDevice};
use wdm_irp::{
    ByteOffset, Completing, Irp, IrpError, PassiveLevel, PendingReturned, Signaled, TargetDevice,
    Timeout, completion_routine,
};
use wdm_irp_sim::{Allocation, Behavior, DeviceOptions, Machine, When, irql};
use wdm_irp_tests::{BoxedSlot, Completed, Count, Slot, Target, allocate, count, done};

// A token or handle of a completion routine is the only one, unforgeable, and of this thread.
assert_not_impl_any!(Signaled<'static>: Clone, Copy, Default, Send, Sync);
assert_not_impl_any!(Completing<'static, Count>: Clone, Copy, Default, Send, Sync);
assert_not_impl_any!(Completing<'static, Count, IsPended>: Clone, Copy, Default, Send, Sync);
assert_not_impl_any!(Completing<'static, Count, IsInline>: Clone, Copy, Default, Send, Sync);
assert_not_impl_any!(PendingReturned<'static, Count>: Clone, Copy, Default, Send, Sync);

// A proof of the IRQL holds for one thread.
assert_not_impl_any!(PassiveLevel: Clone, Copy, Default, Send, Sync);
assert_not_impl_any!(ApcLevel: Clone, Copy, Default, Send, Sync);
assert_not_impl_any!(DispatchLevel: Clone, Copy, Default, Send, Sync);
const_assert_eq!(size_of::<PassiveLevel>(), 0);
const_assert_eq!(size_of::<ApcLevel>(), 0);
const_assert_eq!(size_of::<DispatchLevel>(), 0);
const_assert_eq!(size_of::<Signaled<'static>>(), 0);

// A request or an operation belongs to no thread, but there is only one of it.
type OfStatic = &'static Slot<count, [u8; 512]>;
type OnHeap = BoxedSlot<count, [u8; 512]>;
type Cancellable = CancellableSlot<count, [u8; 512], Target>;
assert_impl_all!(Irp<Target>: Send, Sync);
assert_not_impl_any!(Irp<Target>: Clone, Copy, Default);
assert_impl_all!(Request<Target, Read, [u8; 512], count>: Send, Sync);
assert_not_impl_any!(Request<Target, Read, [u8; 512], count>: Clone, Copy, Default);
assert_impl_all!(InFlight<OfStatic>: Send, Sync);
assert_impl_all!(InFlight<OnHeap>: Send, Sync);
assert_not_impl_any!(InFlight<OfStatic>: Clone, Copy, Default);
assert_not_impl_any!(InFlight<OnHeap>: Clone, Copy, Default);
assert_impl_all!(Sent<OfStatic>: Send);
assert_not_impl_any!(Sent<OnHeap>: Clone, Copy, Default);
assert_impl_all!(InFlight<Cancellable>: Send, Sync);
assert_not_impl_any!(InFlight<Cancellable>: Clone, Copy, Default);
assert_impl_all!(Completed<count, [u8; 512]>: Send);
assert_not_impl_any!(Completed<count, [u8; 512]>: Clone, Copy, Default);
assert_impl_all!(Failed<Completed<count, [u8; 512]>>: Send, std::error::Error);
assert_not_impl_any!(Failed<Completed<count, [u8; 512]>>: Clone, Copy, Default);
assert_impl_all!(Slot<count, [u8; 512]>: Send, Sync);
assert_not_impl_any!(Slot<count, [u8; 512]>: Clone, Copy);
assert_impl_all!(OnHeap: Send, Sync);
assert_not_impl_any!(OnHeap: Clone, Copy, Default);
assert_impl_all!(Irp<&'static Target>: Send, Sync);

// The right to cancel is counted, and of no thread; that of a scope ends with it.
assert_impl_all!(Canceller: Send, Sync);
assert_not_impl_any!(Canceller: Clone, Copy, Default);
assert_impl_all!(ScopedCanceller<'static>: Send, Sync, Copy);
const_assert_eq!(size_of::<Canceller>(), size_of::<usize>());

// A target is counted, and of no thread.
assert_impl_all!(TargetDevice<PassiveOnly>: Clone, Send, Sync);
assert_not_impl_any!(TargetDevice<PassiveOnly>: Copy, Default);
assert_impl_all!(OpenedDevice<PassiveOnly>: Clone, Send, Sync);
assert_not_impl_any!(OpenedDevice<PassiveOnly>: Copy, Default);
assert_impl_all!(DevicePair<InExtension<RemoveLock>, PassiveOnly>: Clone, Send, Sync);
assert_not_impl_any!(DevicePair<InExtension<RemoveLock>, PassiveOnly>: Copy, Default);
const_assert_eq!(size_of::<TargetDevice>(), size_of::<usize>());

// A lock is made where it stays; a guard is the only one of its acquisition, and of no thread.
assert_impl_all!(RemoveLock: Send, Sync);
assert_impl_all!(RundownProtection: Send, Sync);
assert_impl_all!(InExtension<RemoveLock>: Send, Sync);
assert_impl_all!(InStatic<RundownProtection>: Send, Sync);
assert_not_impl_any!(RemoveLock: Clone, Copy, Default, Unpin);
assert_not_impl_any!(RundownProtection: Clone, Copy, Default, Unpin);
assert_not_impl_any!(InExtension<RemoveLock>: Clone, Copy, Default, Unpin, DerefMut);
assert_impl_all!(RemoveLockGuard<'static>: Send, Sync);
assert_impl_all!(RundownGuard<'static>: Send, Sync);
assert_not_impl_any!(RemoveLockGuard<'static>: Clone, Copy, Default);
assert_not_impl_any!(RundownGuard<'static>: Clone, Copy, Default);
assert_not_impl_any!(RunDown<'static>: Clone, Copy, Default);
const_assert_eq!(size_of::<RemoveLockGuard<'static>>(), 16);
const_assert_eq!(size_of::<RundownGuard<'static>>(), 8);

// A context or buffer that belongs to one thread keeps the operation there.
assert_not_impl_any!(CancellableSlot<done, *mut u8, Target>: Send, Sync);
assert_not_impl_any!(Slot<done, *mut u8>: Send, Sync);
assert_not_impl_any!(BoxedSlot<done, *mut u8>: Send, Sync);

// These are plain values.
assert_impl_all!(IrpError: Copy, Send, Sync, std::error::Error, UnwindSafe);
assert_impl_all!(Timeout: Copy, Send, Sync);
assert_not_impl_any!(Timeout: Default);
assert_impl_all!(ControlCode<Buffered>: Copy, Send, Sync);
assert_impl_all!(NotSent<Request<Target, Read, (), done>>: std::error::Error);
assert_impl_all!(
    SendError<Request<Target, Read, (), done>, Completed<done, ()>>: std::error::Error
);

/// Requires an operation to be no larger than its parts.
///
/// These are a KEVENT of 24 bytes, states of 16, the pointers to IRP and target of 8 each, and the
/// context; then the buffer, which is aligned like pool memory.
#[test]
fn waited_operation_has_no_more_than_it_needs() {
    const FIXED: usize = 24 + 16 + 8 + 8;
    const fn with<B>(context: usize) -> usize {
        (FIXED + context).next_multiple_of(16) + size_of::<B>().next_multiple_of(16)
    }
    assert_eq!(size_of::<Slot<done, ()>>(), with::<()>(0));
    assert_eq!(size_of::<Slot<done, [u8; 512]>>(), with::<[u8; 512]>(0));
    assert_eq!(size_of::<Slot<done, &mut [u8]>>(), with::<&mut [u8]>(0));
    assert_eq!(size_of::<Count>(), 4);
    assert_eq!(size_of::<Slot<count, [u8; 512]>>(), with::<[u8; 512]>(4));
    assert_eq!(size_of::<InFlight<OfStatic>>(), size_of::<usize>());
    assert_eq!(size_of::<InFlight<OnHeap>>(), size_of::<usize>());
}

/// Compares the texts that a driver logs.
#[test]
fn errors_say_what_happened() {
    let said = [
        (IrpError::IrpAllocation, "IoAllocateIrp returned NULL"),
        (IrpError::MdlAllocation, "IoAllocateMdl returned NULL"),
        (IrpError::SlotAllocation, "no memory for the operation"),
        (
            IrpError::RoutineRegistration,
            "IoSetCompletionRoutineEx failed",
        ),
        (IrpError::DeletePending, "the device is being removed"),
        (IrpError::TooManyGuards, "the target is held too often"),
        (
            IrpError::Open(STATUS_DEVICE_BUSY),
            "the device was not opened: 0x80000011",
        ),
        (
            IrpError::InvalidParameter,
            "the request does not fit into an IO_STACK_LOCATION",
        ),
        (IrpError::SlotInUse, "the slot holds another request"),
        (
            IrpError::TimedOut,
            "the request timed out and was cancelled",
        ),
        (
            IrpError::Device(STATUS_DEVICE_BUSY),
            "the lower driver completed the request with 0x80000011",
        ),
    ];
    for (error, text) in said {
        assert_eq!(error.to_string(), text);
    }

    let machine = Machine::new();
    let at = PassiveLevel::check().expect("a test's thread");
    let device = machine.device_with(
        DeviceOptions::new("direct").direct(),
        Behavior::complete(STATUS_DEVICE_BUSY, 0),
    );
    let read = || {
        allocate(device.target())
            .read([0; 8], ByteOffset(0))
            .on_completion(count, Count::default())
    };
    machine.faults().fail(Allocation::Mdl, 0);
    let not_sent = read()
        .send_and_wait(&at, Timeout::FOREVER)
        .expect_err("no MDL");
    assert_eq!(not_sent.to_string(), "IoAllocateMdl returned NULL");
    assert_eq!(
        format!("{not_sent:?}"),
        "NotSent { error: MdlAllocation, .. }"
    );
    machine.faults().fail(Allocation::Mdl, 0);
    let not_sent = read().send_boxed(&at).expect_err("no MDL");
    assert_eq!(not_sent.to_string(), "IoAllocateMdl returned NULL");

    let failed = read()
        .send_and_wait(&at, Timeout::FOREVER)
        .expect_err("busy");
    assert_eq!(
        failed.to_string(),
        "the lower driver completed the request with 0x80000011"
    );
    assert_eq!(
        format!("{failed:?}"),
        "Failed(Completed { status: 0x80000011, information: 0, timed_out: false, .. })"
    );

    let _raised = irql::raise(2);
    let too_high = ApcLevel::check().expect_err("raised");
    assert_eq!(too_high.to_string(), "the IRQL is 2, above 1");
}

/// Requires the `Debug` text of an operation to show nothing that others own while it is in flight.
#[test]
fn operations_show_their_state() {
    static SLOT: Slot<show, [u8; 8]> = Slot::new();

    #[completion_routine]
    fn show(mut irp: Completing<'_, String>) -> Signaled<'_> {
        *irp.context_mut() = format!("{irp:?}");
        irp.signal_if_pended()
    }

    let machine = Machine::new();
    let at = PassiveLevel::check().expect("a test's thread");
    assert_eq!(format!("{SLOT:?}"), "Slot { in_use: false, .. }");
    for (when, text) in [
        (
            When::inline(),
            "Completed(Ok(Completed { status: 0x00000000, information: 8, timed_out: false, .. }))",
        ),
        (When::triggered(), "InFlight(InFlight { .. })"),
    ] {
        let device = machine.device(Behavior::transfer().when(when));
        let request = allocate(device.target())
            .read([0; 8], ByteOffset(0))
            .on_completion(show, String::new());
        assert!(format!("{request:?}").starts_with("Request { kind: Read {"));
        let sent = request.send_in(&SLOT, &at).expect("free");
        assert_eq!(format!("{sent:?}"), text);
        let in_flight = matches!(sent, Sent::InFlight(_));
        assert_eq!(
            format!("{SLOT:?}"),
            format!("Slot {{ in_use: {in_flight}, .. }}")
        );
        device.complete_next(0, 0);
        let completed = sent.wait(&at, Timeout::seconds(10)).expect("read");
        let seen = completed.context();
        assert!(seen.starts_with("Completing { irp: 0x"), "{seen}");
        assert!(seen.ends_with(", .. }"), "{seen}");
    }
}
