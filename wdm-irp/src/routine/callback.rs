//! A completion routine, and what the I/O manager calls.

use core::ffi::c_void;
use core::ptr::NonNull;

use super::completing::Completing;
use super::signaled::Signaled;
use crate::operation::Operation;
use crate::sys::{self, DEVICE_OBJECT, IRP, NTSTATUS};

/// A completion routine, as a type; `#[completion_routine]` writes the implementation.
///
/// The trait is safe to implement by hand, for routines that are generic: the only way to return a
/// [`Signaled`] is to finish with the IRP. The routine is registered with `InvokeOnSuccess`,
/// `InvokeOnError` and `InvokeOnCancel` all TRUE and always returns
/// `STATUS_MORE_PROCESSING_REQUIRED`; neither can be chosen.
///
/// It is called on any thread at IRQL <= `DISPATCH_LEVEL`, so it must not be in a pageable section.
/// A panic in it aborts: unwinding ends at the trampoline's `extern "system"`.
///
/// ```
/// use core::marker::PhantomData;
/// use wdm_irp::routine::CompletionRoutine;
/// use wdm_irp::{Completing, Signaled};
///
/// struct Keep<T>(PhantomData<T>);
///
/// impl<T: Send + 'static> CompletionRoutine for Keep<T> {
///     type Context = T;
///     fn complete(irp: Completing<'_, T>) -> Signaled<'_> {
///         irp.signal_if_pended()
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "CompletionRoutineRegistered: `{Self}` is not a completion routine; pass the name of a function that is marked `#[completion_routine]`",
    label = "expected the name of a `#[completion_routine]` function",
    note = "a completion routine is `#[completion_routine] fn name(irp: Completing<'_, Context>) -> Signaled<'_>`"
)]
pub trait CompletionRoutine: 'static {
    /// What the routine works on. It is lent to the operation, used by the routine alone while the
    /// IRP is in flight, and given back to the originator, who drops it.
    type Context: Send + 'static;

    /// Runs when the lower drivers are done with the IRP. IRQL <= `DISPATCH_LEVEL`, any thread.
    fn complete(irp: Completing<'_, Self::Context>) -> Signaled<'_>;
}

/// The completion routine of a request that was given none: it signals if `PendingReturned` is set,
/// and nothing else.
#[derive(Clone, Copy, Debug)]
pub enum SignalIfPended {}

// Whoever passes something that is no routine wants one of the driver's own.
#[diagnostic::do_not_recommend]
impl CompletionRoutine for SignalIfPended {
    type Context = ();

    fn complete(irp: Completing<'_, ()>) -> Signaled<'_> {
        irp.signal_if_pended()
    }
}

/// What the I/O manager calls for a request that is waited for on this thread's stack.
///
/// # Safety
/// As for [`run`].
pub(crate) unsafe extern "system" fn trampoline<R: CompletionRoutine>(
    device: *mut DEVICE_OBJECT,
    irp: *mut IRP,
    context: *mut c_void,
) -> NTSTATUS {
    // SAFETY: by contract.
    unsafe { run::<R>(device, irp, context) };
    sys::STATUS_MORE_PROCESSING_REQUIRED
}

/// Turns the raw arguments into the handle, and runs the routine with it.
///
/// # Safety
/// `context` is the address of an armed operation whose routine is `R` and whose IRP is `irp`, and
/// the routine has not run for it yet.
#[expect(
    clippy::inline_always,
    reason = "each trampoline is one function, as a routine by hand is"
)]
#[inline(always)]
pub(crate) unsafe fn run<R: CompletionRoutine>(
    device: *mut DEVICE_OBJECT,
    irp: *mut IRP,
    context: *mut c_void,
) {
    // SAFETY: an operation's address is not null.
    let operation = unsafe { NonNull::new_unchecked(context.cast::<Operation<R::Context>>()) };
    // SAFETY: the I/O manager runs the routine with the IRP, which is the routine's until it
    // signals or finishes.
    let irp = unsafe { sys::irp::Irp::new(irp) };
    // SAFETY: by the contract of this function; the lifetime is fresh, for `complete` takes any.
    let Signaled { .. } = R::complete(unsafe { Completing::new(operation, irp, device) });
}
