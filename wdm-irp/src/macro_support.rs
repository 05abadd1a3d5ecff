//! What the expansion of `#[completion_routine]` names.
//!
//! Nothing here is for use by hand: it may change in any release.

use crate::{Completing, Signaled};

/// Implemented by `for<'irp> fn(Completing<'irp, C>)`: asks for the type of a typed routine's
/// parameter.
///
/// A function pointer type is used because its lifetimes may be elided or named like those of the
/// function.
#[diagnostic::on_unimplemented(
    message = "a completion routine takes one parameter of type `Completing<'_, Context>`, the IRP it completes, with a \
               lifetime that it does not choose",
    label = "change this type to `Completing<'_, Context>`",
    note = "the lifetime is `'_` or a lifetime parameter of the function, never `'static`; the context holds no borrow"
)]
pub trait RoutineParameter {
    /// The context type.
    type Context;
    /// The parameter type, with the lifetime chosen.
    type Irp<'irp>;
    /// The IRP itself.
    fn irp(irp: Completing<'_, Self::Context>) -> Self::Irp<'_>;
}

#[diagnostic::do_not_recommend]
impl<C: 'static> RoutineParameter for fn(Completing<'_, C>) {
    type Context = C;
    type Irp<'irp> = Completing<'irp, C>;

    fn irp(irp: Completing<'_, C>) -> Completing<'_, C> {
        irp
    }
}

/// Implemented by `Signaled<'irp>`: asks for the type of a typed routine's result.
#[diagnostic::on_unimplemented(
    message = "IoAllocateIrpSignalEventInCompletion2: a completion routine returns `Signaled<'_>`, the proof that it signals \
               the waiter when PendingReturned is set; return what `signal`, `finish` or `signal_if_pended` gives",
    label = "change this type to `Signaled<'_>`",
    note = "`{Self}` does not show that the event was signaled, so a path could leave the waiter waiting forever"
)]
pub trait RoutineReturn<'irp> {
    /// The result itself.
    fn signaled(self) -> Signaled<'irp>;
}

#[diagnostic::do_not_recommend]
impl<'irp> RoutineReturn<'irp> for Signaled<'irp> {
    fn signaled(self) -> Self {
        self
    }
}

/// Implemented by `Expected` alone: asks for the type of a raw routine's first parameter.
#[diagnostic::on_unimplemented(
    message = "the first parameter of IO_COMPLETION_ROUTINE is `DeviceObject: PDEVICE_OBJECT`, so its type must be \
               `{Expected}`",
    label = "this is `{Self}`",
    note = "for types of other bindings name their module: `#[completion_routine(raw, bindings = wdk_sys)]`"
)]
pub trait DeviceObjectParameter<Expected> {
    /// Names the question in an expression.
    const CHECKED: () = ();
}

#[diagnostic::do_not_recommend]
impl<T> DeviceObjectParameter<T> for T {}

/// Implemented by `Expected` alone: asks for the type of a raw routine's second parameter.
#[diagnostic::on_unimplemented(
    message = "the second parameter of IO_COMPLETION_ROUTINE is `Irp: PIRP`, so its type must be `{Expected}`",
    label = "this is `{Self}`",
    note = "for types of other bindings name their module: `#[completion_routine(raw, bindings = wdk_sys)]`"
)]
pub trait IrpParameter<Expected> {
    /// Names the question in an expression.
    const CHECKED: () = ();
}

#[diagnostic::do_not_recommend]
impl<T> IrpParameter<T> for T {}

/// Implemented by `Expected` alone: asks for the type of a raw routine's third parameter.
#[diagnostic::on_unimplemented(
    message = "the third parameter of IO_COMPLETION_ROUTINE is `Context: PVOID`, so its type must be `{Expected}`",
    label = "this is `{Self}`",
    note = "cast the pointer within the routine"
)]
pub trait ContextParameter<Expected> {
    /// Names the question in an expression.
    const CHECKED: () = ();
}

#[diagnostic::do_not_recommend]
impl<T> ContextParameter<T> for T {}

/// Implemented by `Expected` alone: asks for the type of a raw routine's result.
#[diagnostic::on_unimplemented(
    message = "an IO_COMPLETION_ROUTINE returns NTSTATUS, which tells the I/O manager who owns the IRP, so the type must \
               be `{Expected}`",
    label = "this is `{Self}`",
    note = "a routine that does not return STATUS_MORE_PROCESSING_REQUIRED gives the IRP back to the I/O manager"
)]
pub trait StatusReturn<Expected> {
    /// Names the question in an expression.
    const CHECKED: () = ();
}

#[diagnostic::do_not_recommend]
impl<T> StatusReturn<T> for T {}
