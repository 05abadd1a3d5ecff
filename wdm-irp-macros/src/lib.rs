//! Holds the attribute macro of the crate `wdm-irp`, which re-exports it: use it from there.
//!
//! # What it accepts
//!
//! ```text
//! #[completion_routine]
//! fn name(irp: Completing<'_, Context>) -> Signaled<'_> { … }
//!
//! #[completion_routine(raw)]
//! unsafe extern "system" fn name(…, …, …) -> NTSTATUS { … }
//!
//! #[completion_routine(raw, bindings = wdk_sys)]    the same with the types of `wdk_sys`
//! #[completion_routine(crate = other::wdm_irp)]     where `wdm-irp` is known under another path
//! ```
//!
//! The macro looks at syntax only where the defect is one of syntax. Whether a type is the right
//! one is for the compiler to decide, so aliases, renamed imports and full paths all work.
#![forbid(unsafe_code)]

mod args;
mod attributes;
mod errors;
mod expand;
mod item;
mod raw;
#[cfg(test)]
mod tests;
mod tokens;
mod typed;

use proc_macro::TokenStream;

/// Turns a safe function into a completion routine, or checks the signature of a hand-written one.
///
/// # A typed routine
///
/// ```text
/// #[completion_routine]
/// fn read_done(irp: Completing<'_, Stats>) -> Signaled<'_> {
///     irp.context().count();
///     match irp.pending_returned() {
///         Pended(irp) => irp.signal(),
///         Inline(irp) => irp.finish(),
///     }
/// }
/// ```
///
/// `read_done` becomes a zero-sized value for `Request::on_completion`, and a type of the same name
/// that implements `CompletionRoutine` with the context type of the signature, here `Stats`. It is
/// `Copy` and `Debug`, and as visible as the function was. Nothing can call the function but the
/// library, which does so from the `IO_COMPLETION_ROUTINE` that it hands to the I/O manager.
///
/// The function is a free function with the Rust ABI. It is not `async`, `const` or `unsafe`, and
/// has no generics other than one lifetime. Attributes about the name (`doc`, `deprecated`) go to
/// the value, those about the code (`inline`, …) to the function, `cfg` and lint levels to both.
/// `no_mangle`, `export_name`, `target_feature` and a `link_section` whose name begins with `PAGE`
/// or `INIT` are rejected: the routine may run at `DISPATCH_LEVEL`, where its code must be
/// resident.
///
/// Because the name becomes a constant value, a `let read_done = …` in its scope is a pattern that
/// refers to it. The context type must be at least as visible as the routine. The compiler does not
/// warn about a routine that nothing uses.
///
/// # A raw routine
///
/// ```text
/// #[completion_routine(raw)]
/// unsafe extern "system" fn forwarded(
///     device: *mut DEVICE_OBJECT,
///     irp: *mut IRP,
///     context: *mut c_void,
/// ) -> NTSTATUS {
///     STATUS_CONTINUE_COMPLETION
/// }
/// ```
///
/// The function is kept as it is written. The macro checks at compile time that it is an
/// `IO_COMPLETION_ROUTINE`: that it is `unsafe` and `extern "system"` (or `extern "C"`, the same on
/// 64-bit Windows), that its three parameters and its result have the right types, and that it is
/// not in a pageable section. `no_mangle` and `export_name` are allowed.
///
/// The types are `*mut DEVICE_OBJECT`, `*mut IRP`, `*mut c_void` and `NTSTATUS` of `wdm_irp::sys`.
/// With `bindings = path` they are `PDEVICE_OBJECT`, `PIRP`, `PVOID` and `NTSTATUS` of the module
/// `path`, for example `wdk_sys`.
///
/// # Arguments
///
/// - `raw`: the function is a hand-written `IO_COMPLETION_ROUTINE`.
/// - `bindings = path`: with `raw`, the module whose types the signature uses.
/// - `crate = path`: the path of `wdm-irp`; `::wdm_irp` unless given.
#[proc_macro_attribute]
pub fn completion_routine(args: TokenStream, item: TokenStream) -> TokenStream {
    expand::expand(args.into(), item.into()).into()
}
