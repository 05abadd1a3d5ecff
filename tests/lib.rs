//! What the tests share.
//!
//! The `unsafe` that they need to name devices and control codes is here, and nowhere else.
#![deny(unsafe_code)]

use std::mem::offset_of;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use wdm_irp::buffer::IoBuffer;
use wdm_irp::error::{Failed, SendError};
use wdm_irp::in_flight::{InFlight, Sent, Storage};
use wdm_irp::irql::UpToDispatch;
use wdm_irp::request::{Read, Request};
use wdm_irp::routine::CompletionRoutine;
use wdm_irp::sys::{self, DEVICE_OBJECT};
use wdm_irp::target::{DesiredAccess, OpenedDevice};
use wdm_irp::{
    ByteOffset, Completing, Irp, IrpError, PassiveLevel, Signaled, TargetDevice, Timeout,
    completion_routine,
};
use wdm_irp_sim::{Behavior, Device, DeviceOptions, LowerIrp, Machine, When};

/// A device of the model, whose drivers take requests at `DISPATCH_LEVEL`.
pub type Target = TargetDevice<UpToDispatch>;

/// A slot for requests to such a device.
pub type Slot<R, B> = wdm_irp::in_flight::Slot<R, B, Target>;

/// A slot of its own for a request to such a device.
pub type BoxedSlot<R, B> = wdm_irp::in_flight::BoxedSlot<R, B, Target>;

/// A completed request to such a device.
pub type Completed<R, B> = wdm_irp::Completed<R, B, Target>;

/// How a request to such a device came out.
pub type Outcome<R, B> = wdm_irp::in_flight::Outcome<R, B, Target>;

/// A delay after which another thread has begun, short enough to wait for it often.
pub const SOON: Duration = Duration::from_millis(2);

/// A time-out that elapses only in a test that fails.
pub const LONG: Timeout = Timeout::seconds(10);

/// A time-out that elapses at once.
pub const ZERO: Timeout = Timeout::after(Duration::ZERO);

/// Proves that the test's thread is at `PASSIVE_LEVEL`.
///
/// # Panics
/// If the test has raised the IRQL.
#[must_use]
#[track_caller]
pub fn passive() -> PassiveLevel {
    PassiveLevel::check().expect("tests run at PASSIVE_LEVEL")
}

/// Creates a disk with buffered I/O that transfers data, when it is told to.
#[must_use]
pub fn disk(machine: &Machine, when: When) -> Device {
    machine.device_with(
        DeviceOptions::new("disk").buffered(),
        Behavior::transfer().when(when),
    )
}

/// Allocates an IRP for a device.
///
/// # Panics
/// If the test has made the allocation fail.
#[track_caller]
pub fn allocate(target: &Target) -> Irp<Target> {
    Irp::allocate(target.clone()).expect("memory")
}

/// Prepares a read of a device, with its completion routine.
///
/// # Panics
/// If the test has made the allocation of the IRP fail.
#[track_caller]
pub fn read<R: CompletionRoutine, B>(
    target: &Target,
    buffer: B,
    offset: i64,
    routine: R,
    context: R::Context,
) -> Request<Target, Read, B, R> {
    allocate(target)
        .read(buffer, ByteOffset(offset))
        .on_completion(routine, context)
}

/// Takes the handle of a request that must be in flight.
///
/// # Panics
/// If the request has completed inline.
#[track_caller]
pub fn in_flight<S: Storage>(sent: Sent<S>) -> InFlight<S> {
    match sent {
        Sent::InFlight(in_flight) => in_flight,
        Sent::Completed(_) => panic!("should be in flight"),
    }
}

/// An outcome of which a test wants the completed request, whatever its status is.
pub trait AnyOutcome {
    /// The completed request.
    type Completed;

    /// Gives the completed request back.
    fn completed(self) -> Self::Completed;
}

impl<R: CompletionRoutine, B, T, I> AnyOutcome for wdm_irp::in_flight::Outcome<R, B, T, I> {
    type Completed = wdm_irp::Completed<R, B, T, I>;

    fn completed(self) -> wdm_irp::Completed<R, B, T, I> {
        self.unwrap_or_else(Failed::into_completed)
    }
}

/// Sends a read in every way there is, one after the other, and returns how each came out.
///
/// # Panics
/// If one of them cannot be sent.
#[track_caller]
pub fn every_way<R: CompletionRoutine, B>(
    slot: &'static Slot<R, B>,
    request: impl Fn() -> Request<Target, Read, B, R>,
) -> [Outcome<R, B>; 4]
where
    B: IoBuffer + 'static,
{
    // Each in a frame of its own, as a buffer or context may be large.
    [
        waited_for(request()),
        scoped(request()),
        in_slot(request(), slot),
        boxed(request()),
    ]
}

/// Sends a read and waits for it on this thread's stack.
#[track_caller]
#[inline(never)]
fn waited_for<R: CompletionRoutine, B: IoBuffer>(
    request: Request<Target, Read, B, R>,
) -> Outcome<R, B> {
    match request.send_and_wait(passive(), LONG) {
        Ok(completed) => Ok(completed),
        Err(SendError::Failed(failed)) => Err(failed),
        Err(SendError::NotSent(not_sent)) => panic!("{not_sent}"),
    }
}

/// Sends a read in a scope, which waits for it.
#[track_caller]
#[inline(never)]
fn scoped<R: CompletionRoutine, B: IoBuffer>(
    request: Request<Target, Read, B, R>,
) -> Outcome<R, B> {
    let outcome = request.send_scoped(passive(), |sent| sent.wait(passive(), LONG));
    outcome.expect("sent")
}

/// Sends a read from static memory and waits for it.
#[track_caller]
#[inline(never)]
fn in_slot<R: CompletionRoutine, B: IoBuffer + 'static>(
    request: Request<Target, Read, B, R>,
    slot: &'static Slot<R, B>,
) -> Outcome<R, B> {
    let sent = request.send_in(slot, passive()).expect("sent");
    sent.wait(passive(), LONG)
}

/// Sends a read from an allocation of its own and waits for it.
#[track_caller]
#[inline(never)]
fn boxed<R: CompletionRoutine, B: IoBuffer + 'static>(
    request: Request<Target, Read, B, R>,
) -> Outcome<R, B> {
    let sent = request.send_boxed(passive()).expect("sent");
    sent.wait(passive(), LONG)
}

/// A context that counts the runs of its completion routine.
#[derive(Debug, Default)]
pub struct Count(AtomicU32);

impl Count {
    /// Counts one more.
    pub fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns how often it was counted.
    pub fn get(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Counts, and signals if and only if the IRP pended.
#[completion_routine]
pub fn count(irp: Completing<'_, Count>) -> Signaled<'_> {
    irp.context().add();
    irp.signal_if_pended()
}

/// Signals if and only if the IRP pended, and does nothing else.
#[completion_routine]
pub fn done(irp: Completing<'_, ()>) -> Signaled<'_> {
    irp.signal_if_pended()
}

mod pairs;
pub mod raw;
mod removable;
pub mod targets;

pub use pairs::{Image, Pair, locked_pair, pair, registered_pair, try_pair};
pub use removable::{Extension, Kept, Removable};

/// Control codes whose buffers are plain data, one for each transfer method.
#[expect(unsafe_code, reason = "vouches for the codes")]
pub mod codes {
    use wdm_irp::request::{Buffered, ControlCode, InDirect, Neither, OutDirect};

    /// `METHOD_BUFFERED`
    // SAFETY: the modeled drivers treat the buffers of every code as bytes.
    pub const BUFFERED: ControlCode<Buffered> = unsafe { ControlCode::new(0x0022_2000) };
    /// `METHOD_IN_DIRECT`
    // SAFETY: the modeled drivers treat the buffers of every code as bytes.
    pub const IN_DIRECT: ControlCode<InDirect> = unsafe { ControlCode::new(0x0022_2005) };
    /// `METHOD_OUT_DIRECT`
    // SAFETY: the modeled drivers treat the buffers of every code as bytes.
    pub const OUT_DIRECT: ControlCode<OutDirect> = unsafe { ControlCode::new(0x0022_200a) };
    /// `METHOD_NEITHER`
    // SAFETY: the modeled drivers treat the buffers of every code as bytes.
    pub const NEITHER: ControlCode<Neither> = unsafe { ControlCode::new(0x0022_200f) };
}

/// Opens a device of the model by its name.
///
/// # Errors
/// As [`OpenedDevice::open`] says.
///
/// # Panics
/// If the test has raised the IRQL.
#[expect(unsafe_code, reason = "vouches for the devices")]
pub fn open(name: &[u16]) -> Result<OpenedDevice<UpToDispatch>, IrpError> {
    // SAFETY: modeled drivers treat requests as documented, and stay until their machine ends.
    let opened = unsafe { OpenedDevice::open(name, DesiredAccess::READ, passive()) }?;
    // SAFETY: modeled drivers run at any IRQL up to DISPATCH_LEVEL.
    Ok(unsafe { opened.takes_dispatch_level() })
}

/// Sets and clears a flag of a device object, as a file system does it at any time.
#[expect(unsafe_code, reason = "writes to a device object")]
pub fn toggle_flag(device: &Device, flag: u32) {
    let flags = device
        .as_ptr()
        .wrapping_byte_add(offset_of!(DEVICE_OBJECT, Flags));
    // SAFETY: the model keeps device objects until the last of its handles is dropped, and reads
    // this field as nobody else writes it but here, by whole words.
    let flags = unsafe { AtomicU32::from_ptr(flags.cast()) };
    flags.fetch_xor(flag, Ordering::Relaxed);
}

/// Returns the address of the system buffer of a request.
#[must_use]
#[expect(
    unsafe_code,
    reason = "reads a field that the model shows as its contents only"
)]
pub fn system_buffer(irp: &LowerIrp) -> usize {
    // SAFETY: a `LowerIrp` is an IRP that a lower driver has: allocated, and nobody else's.
    let irp = unsafe { sys::irp::Irp::new(irp.as_ptr()) };
    irp.system_buffer().addr()
}

/// A buffer on the heap that counts how often it is dropped.
#[derive(Debug)]
pub struct Watched {
    bytes: Vec<u8>,
    drops: &'static AtomicU32,
}

impl Watched {
    /// Creates a buffer that counts its drop in `drops`, which lives longer than any request.
    #[must_use]
    pub const fn new(bytes: Vec<u8>, drops: &'static AtomicU32) -> Self {
        Self { bytes, drops }
    }

    /// Returns the contents.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.drops.fetch_add(1, Ordering::SeqCst);
    }
}

#[expect(unsafe_code, reason = "passes on what the vector promises")]
// SAFETY: the bytes are those of a vector that the value owns: initialized, and at the same address
// wherever the value is moved to, as nothing resizes the vector.
unsafe impl IoBuffer for Watched {
    fn as_mut_ptr(&mut self) -> *mut u8 {
        self.bytes.as_mut_ptr()
    }
    fn byte_len(&self) -> usize {
        self.bytes.len()
    }
}

/// The programs of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
