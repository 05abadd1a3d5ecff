//! Complete driver-created IRPs safely: rules of Static Driver Verifier as types.
//!
//! A driver that allocates an IRP (`IoAllocateIrp`), sends it (`IoCallDriver`) and waits for it
//! owns a KEVENT. Its completion routine must call `KeSetEvent` when `Irp->PendingReturned` is set
//! (rules `IoAllocateIrpSignalEventInCompletion`, `…2` and `…3`), must not touch the IRP
//! afterwards, and must return `STATUS_MORE_PROCESSING_REQUIRED`. Here the routine returns a token,
//! [`Signaled`], which it can only get by doing so.
//!
//! # An IRP's life
//!
//! ```text
//! Irp::allocate(&target)?                       IoAllocateIrp            Irp
//!     .read(buffer, ByteOffset(0))              (nothing yet)            Request
//!     .on_completion(routine, context)          (nothing yet)            Request<.., routine>
//!     .send_and_wait(&at, Timeout::seconds(5))  next stack location,     Completing (routine),
//!                                               IoSetCompletionRoutine,  then Completed
//!                                               IoCallDriver, and waits
//!                                               if it pended
//!     .reuse()                                  IoReuseIrp               Irp, buffer, context
//! ```
//!
//! | step | types | what they stop |
//! |---|---|---|
//! | allocate | [`TargetDevice`], [`DevicePair`], [`OpenedDevice`], [`Irp`] | too few stack locations, leaks, double `IoFreeIrp`, a device that is removed too early |
//! | request | [`Request`], [`ControlCode`], [`SystemBuffer`], [`IoBuffer`] | wrong offsets, wrong buffer for the I/O method, a forgotten MDL |
//! | routine | [`CompletionRoutine`], [`completion_routine`], [`Completing`], [`Signaled`] | a missing signal, use after the signal, a context of another type or thread |
//! | send | [`Request::send_and_wait`], [`Request::send_scoped`], [`Request::send_in`], [`Request::send_boxed`] | an IRP without a routine, a buffer that dies too early, a bad IRQL |
//! | in flight | [`InFlight`], [`Slot`], [`Canceller`] | touching what the lower drivers own, a cancel that races with completion, freeing or reuse, a destructor that waits |
//! | wait | [`Timeout`], [`PassiveLevel`] | waiting forever by accident, waiting for nobody, waiting at `DISPATCH_LEVEL` |
//! | reclaim | [`Completed`], [`IrpError`], [`SendError`] | a lost buffer, a lost status |
//!
//! The names that every driver needs stand here at the root, the others in the module of their
//! step: [`target`], [`irql`], [`buffer`], [`request`], [`routine`], [`in_flight`] and [`error`].
//! [`sys`] has the functions and structures of the WDK.
//!
//! # Where an operation lives
//!
//! Event, state, context and buffer of a request in flight stay in one place: on the stack of
//! [`Request::send_and_wait`], or as a [`Slot`] on the stack of [`Request::send_scoped`], in a
//! `static`, or in an allocation of its own, from nonpaged pool. Users handle no `Pin`: that place
//! is always one which does not move, and while an IRP is in flight nobody has an exclusive
//! reference to what the completion routine uses, not even a destructor, so nothing depends on how
//! today's compiler treats `!Unpin` types.
//!
//! No destructor waits. A handle that is dropped cancels its request and abandons it: the last of
//! handle and completion routine drops what belongs to it. The end of a scope is a call that has
//! proven its IRQL, and waits. What a leaked handle leaves in flight is cancelled and waited for
//! when the scope ends, or lies in memory that is never freed; that is why only `send_and_wait` and
//! the scopes take borrowed buffers and targets.
//!
//! # Lower drivers that break the pending contract
//!
//! `PendingReturned` decides the documented path. Memory safety does not rest on it: a small atomic
//! state beside the event makes both sides agree on when that memory is free, even if a lower
//! driver returns `STATUS_PENDING` without marking the IRP, or the reverse. What the lower driver
//! must do is complete each IRP once.
//!
//! # Features
//!
//! - `macros` (default): [`completion_routine`].
//! - `kernel`: import the kernel's functions from `ntoskrnl.exe`. Without it they are those of the
//!   host model, the crate `wdm-irp-sim`; a test says `use wdm_irp_sim as _;` at least. Enable it
//!   for the driver build only, never for `cargo test`.
//! - `alloc`: `Box<[u8]>` and `Vec<u8>` as buffers, `Box` and `Arc` of targets. The global
//!   allocator must be nonpaged.
//!
//! [`Canceller`]: in_flight::Canceller
//! [`CompletionRoutine`]: routine::CompletionRoutine
//! [`ControlCode`]: request::ControlCode
//! [`DevicePair`]: target::DevicePair
//! [`InFlight`]: in_flight::InFlight
//! [`IoBuffer`]: buffer::IoBuffer
//! [`OpenedDevice`]: target::OpenedDevice
//! [`Request`]: request::Request
//! [`Request::send_and_wait`]: request::Request::send_and_wait
//! [`Request::send_boxed`]: request::Request::send_boxed
//! [`Request::send_in`]: request::Request::send_in
//! [`Request::send_scoped`]: request::Request::send_scoped
//! [`SendError`]: error::SendError
//! [`Slot`]: in_flight::Slot
//! [`SystemBuffer`]: buffer::SystemBuffer
#![no_std]

#[cfg(not(target_pointer_width = "64"))]
compile_error!("wdm-irp supports 64-bit Windows only (x86_64 and aarch64)");

#[cfg(all(feature = "kernel", not(windows)))]
compile_error!(
    "feature `kernel` imports ntoskrnl.exe and needs a Windows target; without it calls go to wdm-irp-sim"
);

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(loom)]
extern crate std;

#[cfg(feature = "macros")]
#[doc(hidden)]
#[path = "macro_support.rs"]
pub mod __macro;
pub mod buffer;
mod completed;
pub mod error;
pub mod in_flight;
mod irp;
pub mod irql;
pub mod lock_storage;
mod operation;
mod pool;
pub mod remove_lock;
pub mod request;
pub mod routine;
pub mod rundown;
mod send;
pub mod sys;
pub mod target;
mod timeout;

pub use completed::Completed;
pub use error::IrpError;
pub use irp::Irp;
pub use irql::PassiveLevel;
#[cfg(loom)]
#[doc(hidden)]
pub use operation::memory as __memory;
pub use request::ByteOffset;
pub use routine::{Completing, PendingReturned, Signaled};
pub use target::TargetDevice;
pub use timeout::Timeout;
/// ```
/// use wdm_irp::PendingReturned::{Inline, Pended};
/// use wdm_irp::{Completing, Signaled, completion_routine};
///
/// #[completion_routine]
/// fn read_done(irp: Completing<'_, u32>) -> Signaled<'_> {
///     match irp.pending_returned() {
///         Pended(irp) => irp.signal(),
///         Inline(irp) => irp.finish(),
///     }
/// }
/// ```
///
/// A hand-written routine:
///
/// ```
/// use wdm_irp::completion_routine;
/// use wdm_irp::sys::{
///     NTSTATUS, PDEVICE_OBJECT, PIRP, PVOID, STATUS_MORE_PROCESSING_REQUIRED,
/// };
///
/// #[completion_routine(raw)]
/// unsafe extern "system" fn raw_done(
///     _device: PDEVICE_OBJECT,
///     _irp: PIRP,
///     _context: PVOID,
/// ) -> NTSTATUS {
///     STATUS_MORE_PROCESSING_REQUIRED
/// }
/// ```
#[cfg(feature = "macros")]
pub use wdm_irp_macros::completion_routine;
