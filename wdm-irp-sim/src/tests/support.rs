//! What the tests share: the functions of `sys` as methods, completion routines, and waits.
//!
//! [`Irp`] and [`Event`] are not marked unsafe: the tests misuse them on purpose, which the ledger
//! catches before memory is touched.

use std::ffi::c_void;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use wdm_irp::sys::irp::StackLocation;
use wdm_irp::sys::{self, DEVICE_OBJECT, IRP, KEVENT, NTSTATUS};

use crate::io::major;
use crate::{Behavior, Device, Machine, Report, ViolationKind, When};

/// Returns a time that is long for what happens meanwhile.
///
/// Miri's clock counts its own, many, steps, and jumps over sleeps.
pub(super) const fn milliseconds(count: u64) -> Duration {
    Duration::from_millis(if cfg!(miri) { 200 * count } else { count })
}

/// Waits until something has happened on another thread.
#[track_caller]
pub(super) fn until(happened: impl Fn() -> bool) {
    let start = Instant::now();
    while !happened() {
        assert!(start.elapsed() < milliseconds(20_000), "it never happened");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Returns whether the timeline has an entry that begins like this.
pub(super) fn has_entry(machine: &Machine, text: &str) -> bool {
    machine
        .timeline()
        .entries()
        .iter()
        .any(|entry| entry.text.starts_with(text))
}

/// An IRP of `IoAllocateIrp`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Irp(pub(super) *mut IRP);

// SAFETY: an IRP belongs to no thread, and the ledger watches who has it.
unsafe impl Send for Irp {}

impl Irp {
    pub(super) fn allocate(stack_size: i8) -> Self {
        // SAFETY: the model checks the stack size, and reports a bad one.
        let irp = unsafe { sys::IoAllocateIrp(stack_size, 0) };
        assert!(!irp.is_null());
        Self(irp)
    }

    /// Returns the fields of an IRP that is with the caller.
    pub(super) fn access(self) -> sys::irp::Irp {
        // SAFETY: the tests call this on IRPs that are allocated and theirs, or with their routine.
        unsafe { sys::irp::Irp::new(self.0) }
    }

    pub(super) fn free(self) {
        // SAFETY: the ledger checks the IRP before anything touches it.
        unsafe { sys::IoFreeIrp(self.0) };
    }

    pub(super) fn reuse(self, status: NTSTATUS) {
        // SAFETY: the ledger checks the IRP before anything touches it.
        unsafe { sys::IoReuseIrp(self.0, status) };
    }

    /// Returns the next location of an IRP that is with the caller.
    pub(super) fn next(self) -> StackLocation {
        self.access().next().expect("the IRP has a next location")
    }

    pub(super) fn own_location(self) {
        // SAFETY: the tests call this on IRPs that are theirs and have a next location.
        unsafe { sys::IoSetNextIrpStackLocation(self.0) };
    }

    pub(super) fn major(self, major: u8) -> Self {
        let next = self.next();
        next.set_function(major, next.minor_function());
        self
    }

    pub(super) fn routine(
        self,
        routine: unsafe extern "system" fn(*mut DEVICE_OBJECT, *mut IRP, *mut c_void) -> NTSTATUS,
        context: *mut c_void,
    ) -> Self {
        // SAFETY: the tests keep the context alive; they call this on IRPs that have a next
        // location.
        unsafe { sys::IoSetCompletionRoutine(self.0, Some(routine), context) };
        self
    }

    pub(super) fn control(self, control: u8) -> Self {
        self.next().set_control(control);
        self
    }

    /// Makes the next location a buffered read.
    pub(super) fn read(self, buffer: *mut u8, length: u32) -> Self {
        self.next().set_length(length);
        self.next().set_byte_offset(0x10);
        self.access().set_system_buffer(buffer.cast());
        self.major(major::READ)
    }

    pub(super) fn call(self, device: &Device) -> NTSTATUS {
        // SAFETY: the ledger checks the IRP before anything touches it.
        unsafe { sys::IofCallDriver(device.as_ptr(), self.0) }
    }

    /// Sends a read whose routine counts.
    pub(super) fn send(self, counter: &Counter, device: &Device) -> NTSTATUS {
        self.major(major::READ)
            .routine(count, counter.context())
            .call(device)
    }

    pub(super) fn complete(self) {
        // SAFETY: the ledger checks the IRP before anything touches it.
        unsafe { sys::IofCompleteRequest(self.0, 0) };
    }

    pub(super) fn cancel(self) -> bool {
        // SAFETY: the ledger checks the IRP before anything touches it.
        unsafe { sys::IoCancelIrp(self.0) != 0 }
    }

    pub(super) fn status(self) -> NTSTATUS {
        self.access().status()
    }
}

/// A device as an object with references.
#[derive(Clone, Copy, Debug)]
pub(super) struct Object(pub(super) *mut c_void);

impl Object {
    pub(super) fn of(device: &Device) -> Self {
        Self(device.as_ptr().cast())
    }

    pub(super) fn reference(self) -> isize {
        // SAFETY: the ledger checks the object before anything touches it.
        unsafe { sys::ObfReferenceObject(self.0) }
    }

    pub(super) fn dereference(self) -> isize {
        // SAFETY: the ledger checks the object before anything touches it.
        unsafe { sys::ObfDereferenceObject(self.0) }
    }
}

/// An event on the heap, without an owner that would make its use by another thread invalid.
#[derive(Clone, Copy, Debug)]
pub(super) struct Event(pub(super) *mut KEVENT);

// SAFETY: an event belongs to no thread: any may wait for it or signal it.
unsafe impl Send for Event {}

impl Event {
    pub(super) fn uninitialized() -> Self {
        // SAFETY: a KEVENT has numbers and raw pointers only, for which zeros are valid.
        let event: KEVENT = unsafe { std::mem::zeroed() };
        Self(Box::into_raw(Box::new(event)))
    }

    pub(super) fn new(kind: i32) -> Self {
        let event = Self::uninitialized();
        event.initialize(kind);
        event
    }

    pub(super) fn notification() -> Self {
        Self::new(sys::NotificationEvent)
    }

    pub(super) fn synchronization() -> Self {
        Self::new(1)
    }

    /// Returns how many threads wait for it.
    pub(super) fn waiters(self) -> usize {
        crate::ke::dispatcher::waiters(self.0)
    }

    pub(super) fn initialize(self, kind: i32) {
        // SAFETY: allocated by `uninitialized`, and not freed before the last use.
        unsafe { sys::KeInitializeEvent(self.0, kind, 0) };
    }

    pub(super) fn set(self) -> i32 {
        self.set_wait(false)
    }

    pub(super) fn set_wait(self, wait: bool) -> i32 {
        // SAFETY: the tests free an event after its last use.
        unsafe { sys::KeSetEvent(self.0, 0, u8::from(wait)) }
    }

    pub(super) fn wait(self, timeout: Option<i64>) -> NTSTATUS {
        self.wait_as(sys::KernelMode, false, timeout)
    }

    pub(super) fn wait_as(self, mode: i8, alertable: bool, timeout: Option<i64>) -> NTSTATUS {
        let timeout = timeout
            .as_ref()
            .map_or(std::ptr::null(), std::ptr::from_ref);
        // SAFETY: the tests free an event after its last use.
        unsafe {
            sys::KeWaitForSingleObject(
                self.0.cast(),
                sys::Executive,
                mode,
                u8::from(alertable),
                timeout,
            )
        }
    }

    pub(super) fn free(self) {
        // SAFETY: allocated by `uninitialized` with `Box::new`; the tests do not use the event
        // afterwards.
        drop(unsafe { Box::from_raw(self.0) });
    }

    pub(super) fn context(self) -> *mut c_void {
        self.0.cast()
    }
}

/// What the completion routines of the tests count in.
#[derive(Default)]
pub(super) struct Counter {
    pub(super) calls: AtomicU32,
    pub(super) pended: AtomicU32,
    pub(super) had_device: AtomicU32,
}

impl Counter {
    pub(super) fn context(&self) -> *mut c_void {
        std::ptr::from_ref(self).cast_mut().cast()
    }

    pub(super) fn calls(&self) -> u32 {
        self.calls.load(Ordering::SeqCst)
    }

    pub(super) fn pended(&self) -> u32 {
        self.pended.load(Ordering::SeqCst)
    }
}

/// Signals the event that is its context, if the IRP was pended.
pub(super) unsafe extern "system" fn signal_if_pended(
    _device: *mut DEVICE_OBJECT,
    irp: *mut IRP,
    context: *mut c_void,
) -> NTSTATUS {
    if Irp(irp).access().pending_returned() {
        Event(context.cast()).set();
    }
    sys::STATUS_MORE_PROCESSING_REQUIRED
}

/// Signals the event that is its context.
pub(super) unsafe extern "system" fn signal(
    _device: *mut DEVICE_OBJECT,
    _irp: *mut IRP,
    context: *mut c_void,
) -> NTSTATUS {
    Event(context.cast()).set();
    sys::STATUS_MORE_PROCESSING_REQUIRED
}

/// Lets the completion continue, without propagating the pending mark.
pub(super) unsafe extern "system" fn let_continue(
    _: *mut DEVICE_OBJECT,
    _: *mut IRP,
    _: *mut c_void,
) -> NTSTATUS {
    sys::STATUS_SUCCESS
}

/// Counts in the [`Counter`] that is its context.
pub(super) unsafe extern "system" fn count(
    device: *mut DEVICE_OBJECT,
    irp: *mut IRP,
    context: *mut c_void,
) -> NTSTATUS {
    // SAFETY: the context is a `Counter` that outlives the IRP.
    let counter = unsafe { &*context.cast::<Counter>() };
    counter.calls.fetch_add(1, Ordering::SeqCst);
    if Irp(irp).access().pending_returned() {
        counter.pended.fetch_add(1, Ordering::SeqCst);
    }
    if !device.is_null() {
        counter.had_device.fetch_add(1, Ordering::SeqCst);
    }
    sys::STATUS_MORE_PROCESSING_REQUIRED
}

/// Sends a flush with [`signal_if_pended`], waits if it pends, and returns the statuses of the call
/// and of the IRP.
pub(super) fn send_and_wait(device: &Device) -> (NTSTATUS, NTSTATUS) {
    let irp = Irp::allocate(device.stack_size());
    let event = Event::notification();
    let returned = irp
        .major(major::READ)
        .routine(signal_if_pended, event.context())
        .call(device);
    if returned == sys::STATUS_PENDING {
        assert_eq!(event.wait(None), sys::STATUS_SUCCESS);
    }
    let status = irp.status();
    irp.free();
    event.free();
    (returned, status)
}

/// Checks that the report has exactly these violations.
#[track_caller]
pub(super) fn assert_kinds(report: &Report, expected: &[ViolationKind]) {
    let kinds: Vec<ViolationKind> = report.violations.iter().map(|v| v.kind).collect();
    assert_eq!(kinds, expected, "{report}");
}

/// Creates a machine, and a device that completes everything inline with success.
pub(super) fn machine_and_device() -> (Machine, Device) {
    machine_and_device_when(When::inline())
}

/// Creates a machine, and a device that completes everything with success, when it is told.
pub(super) fn machine_and_device_when(when: When) -> (Machine, Device) {
    let machine = Machine::new();
    let device = machine.device(Behavior::complete(sys::STATUS_SUCCESS, 0).when(when));
    (machine, device)
}
