//! Reports what syntax shows to be wrong with the signature of a typed routine.

use proc_macro2::TokenStream;
use quote::ToTokens as _;
use syn::{FnArg, GenericParam, ReturnType, Safety, Signature, Type};

use super::lifetimes::{borrow, find_static, static_lifetime, undeclared_lifetime};
use crate::errors::Errors;
use crate::item::Routine;

/// Reports what syntax shows to be wrong with the signature.
pub(super) fn check(routine: &Routine, errors: &mut Errors) {
    let sig = &routine.sig;
    routine.check_qualifiers(errors);
    if let Safety::Unsafe(token) = &sig.safety {
        errors.push(
            token,
            "a typed completion routine is a safe function: remove `unsafe`, or use \
             `#[completion_routine(raw)]` for a hand-written IO_COMPLETION_ROUTINE",
        );
    }
    if let Some(abi) = &sig.abi {
        errors.push(
            abi,
            "a typed completion routine has the Rust ABI, because the library supplies the \
             `extern \"system\"` function that the I/O manager calls: remove `extern`, or use \
             `#[completion_routine(raw)]` for a hand-written IO_COMPLETION_ROUTINE",
        );
    }
    routine.check_generics(
        "implement `CompletionRoutine` by hand for a generic type",
        errors,
    );
    check_lifetimes(sig, errors);
    check_parameters(sig, errors);
    check_output(sig, errors);
}

/// Reports a second lifetime, bounds of a lifetime, and a lifetime that nothing declares.
fn check_lifetimes(sig: &Signature, errors: &mut Errors) {
    let lifetimes = sig.generics.params.iter().filter_map(|param| match param {
        GenericParam::Lifetime(param) => Some(param),
        GenericParam::Type(_) | GenericParam::Const(_) => None,
    });
    for (index, param) in lifetimes.enumerate() {
        if index > 0 {
            errors.push(
                &param.lifetime,
                "a completion routine has one lifetime, that of the IRP it completes, and its \
                 context is 'static: remove the other lifetimes",
            );
        }
        if !param.bounds.is_empty() {
            errors.push(
                &param.bounds,
                "the lifetime of the IRP that a completion routine completes has no bounds, \
                 because the library chooses it: remove them",
            );
        }
    }
    if let Some(lifetime) = undeclared_lifetime(sig) {
        let message = format!(
            "a completion routine does not choose the lifetime of its IRP: write `'_`, or declare \
             `{lifetime}` as `fn {}<{lifetime}>`",
            sig.ident
        );
        errors.push(lifetime, message);
    }
}

/// Reports parameters other than one, and a lifetime in it that the library has to choose.
fn check_parameters(sig: &Signature, errors: &mut Errors) {
    if let Some(receiver) = sig.receiver() {
        errors.push(
            receiver,
            "a completion routine is a free function without `self`, because the I/O manager knows \
             only the IRP: move what it needs into the context of `Completing<'_, Context>`",
        );
        return;
    }
    match sig.inputs.len() {
        0 => errors.push_error(syn::Error::new(
            sig.paren_token.span.join(),
            "a completion routine takes exactly one parameter, the IRP it completes: write \
             `irp: Completing<'_, Context>`",
        )),
        1 => {
            let Some(ty) = parameter_type(sig) else {
                return;
            };
            if let Some(lifetime) = static_lifetime(ty) {
                errors.push(
                    lifetime,
                    "a completion routine does not choose the lifetime of its IRP, which ends with \
                     the routine: write `Completing<'_, Context>`",
                );
            } else if let Some(borrow) = borrow(ty, sig) {
                errors.push(
                    borrow,
                    "the context of a completion routine holds no borrow, because it lives until \
                     the lower driver completes the IRP: move the value into it, or borrow for \
                     `'static`",
                );
            }
        }
        count => {
            let raw = if count == 3 {
                ", or use `#[completion_routine(raw)]` for a hand-written IO_COMPLETION_ROUTINE"
            } else {
                ""
            };
            let others: TokenStream = sig
                .inputs
                .pairs()
                .skip(1)
                .map(|pair| pair.to_token_stream())
                .collect();
            errors.push(
                others,
                format_args!(
                    "a completion routine takes exactly one parameter, the IRP it completes: move \
                     what else it needs into the context of `Completing<'_, Context>`{raw}"
                ),
            );
        }
    }
}

/// Reports a result that cannot be the proof of this call: none, `!`, or a `'static` one.
fn check_output(sig: &Signature, errors: &mut Errors) {
    match &sig.output {
        ReturnType::Default => errors.push_error(syn::Error::new(
            sig.paren_token.span.close(),
            "IoAllocateIrpSignalEventInCompletion2: a completion routine returns `Signaled<'_>`, \
             the proof that it signals the waiter when PendingReturned is set; add \
             `-> Signaled<'_>`",
        )),
        ReturnType::Type(_, ty) => {
            if let Type::Never(never) = ungrouped(ty) {
                errors.push(
                    never,
                    "IoAllocateIrpSignalEventInCompletion2: a completion routine returns \
                     `Signaled<'_>`, the proof that it signals the waiter when PendingReturned is \
                     set; it cannot diverge, so write `-> Signaled<'_>`",
                );
            } else if let Some(lifetime) = find_static(&ty.to_token_stream()) {
                errors.push(
                    lifetime,
                    "the proof of a completion routine belongs to the IRP it was called with, \
                     which is not 'static: write `-> Signaled<'_>`",
                );
            }
        }
    }
}

/// Returns the type of the first parameter, unless that is `self`.
pub(super) fn parameter_type(sig: &Signature) -> Option<&Type> {
    match sig.inputs.first() {
        Some(FnArg::Typed(param)) => Some(&param.ty),
        _ => None,
    }
}

/// Returns `ty` without the groups that a fragment of a `macro_rules!` macro has around it.
pub(super) fn ungrouped(mut ty: &Type) -> &Type {
    while let Type::Group(group) = ty {
        ty = &group.elem;
    }
    ty
}
