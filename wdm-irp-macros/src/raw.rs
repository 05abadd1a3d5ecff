//! Expands `#[completion_routine(raw)]`, which checks a hand-written `IO_COMPLETION_ROUTINE`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{FnArg, ReturnType, Safety, Type};

use crate::args::Args;
use crate::attributes::RawAttributes;
use crate::errors::Errors;
use crate::item::Routine;
use crate::tokens::find_impl;

/// Returns the function and, beside it, the checks of its types, and reports its defects.
pub(crate) fn expand(args: &Args, routine: &Routine, errors: &mut Errors) -> TokenStream {
    let attrs = RawAttributes::new(&routine.attrs, errors);
    check(routine, errors);

    let mut sig = routine.sig.clone();
    sig.variadic = None;
    let (vis, function) = (&routine.vis, &attrs.function);
    let Some(body) = &routine.body else {
        return quote!(#function #vis #sig;);
    };
    let checks = type_checks(args, routine, &attrs.cfg);
    quote!(#function #vis #sig #body #checks)
}

/// Tells which calling convention is required.
const ABI: &str = "an IO_COMPLETION_ROUTINE is called with the convention of the kernel: declare \
                   it `unsafe extern \"system\" fn`";

/// Reports what is wrong with the signature, as far as syntax shows it.
fn check(routine: &Routine, errors: &mut Errors) {
    let sig = &routine.sig;
    routine.check_qualifiers(errors);
    if !matches!(sig.safety, Safety::Unsafe(_)) {
        errors.push(
            sig.fn_token,
            "an IO_COMPLETION_ROUTINE trusts the pointers it is given, so calling it is unsafe: \
             declare it `unsafe extern \"system\" fn`",
        );
    }
    match &sig.abi {
        None => errors.push(sig.fn_token, ABI),
        Some(abi) => {
            if let Some(name) = &abi.name
                && !["system", "C"].contains(&name.value().as_str())
            {
                errors.push(name, ABI);
            }
        }
    }
    routine.check_generics("write one routine for each case", errors);
    for param in sig.generics.lifetimes() {
        errors.push(
            param,
            "an IO_COMPLETION_ROUTINE has no lifetime parameter, because its parameters are raw \
             pointers: remove it",
        );
    }
    if let Some(receiver) = sig.receiver() {
        errors.push(
            receiver,
            "a completion routine is a free function without `self`, because the I/O manager knows \
             only the IRP: move what it needs into the context",
        );
    } else if sig.inputs.len() != 3 {
        errors.push_error(syn::Error::new(
            sig.paren_token.span.join(),
            "an IO_COMPLETION_ROUTINE has exactly three parameters: write \
             `(DeviceObject: PDEVICE_OBJECT, Irp: PIRP, Context: PVOID)`",
        ));
    }
    match &sig.output {
        ReturnType::Default => errors.push_error(syn::Error::new(
            sig.paren_token.span.close(),
            "an IO_COMPLETION_ROUTINE returns NTSTATUS, which tells the I/O manager who owns the \
             IRP: add `-> NTSTATUS`",
        )),
        ReturnType::Type(_, ty) => {
            if let Some(token) = find_impl(ty) {
                errors.push(
                    token,
                    "an IO_COMPLETION_ROUTINE returns NTSTATUS, which tells the I/O manager who \
                     owns the IRP: replace `impl Trait` by it",
                );
            }
        }
    }
}

/// Returns a constant for each type of the signature, which compiles if the type is the right one.
///
/// The compiler reports an error at the type, whose tokens the constant has.
fn type_checks(args: &Args, routine: &Routine, cfg: &TokenStream) -> TokenStream {
    let sig = &routine.sig;
    let krate = args.krate();
    let (device, irp, context, status) = match args.bindings() {
        Some(path) => (
            quote!(#path::PDEVICE_OBJECT),
            quote!(#path::PIRP),
            quote!(#path::PVOID),
            quote!(#path::NTSTATUS),
        ),
        None => (
            quote!(*mut #krate::sys::DEVICE_OBJECT),
            quote!(*mut #krate::sys::IRP),
            quote!(*mut ::core::ffi::c_void),
            quote!(#krate::sys::NTSTATUS),
        ),
    };
    let mut checks = TokenStream::new();
    let mut check = |ty: &Type, question: TokenStream, expected: &TokenStream| {
        if !routine.is_generic(ty) {
            // A trait object may end with `+`, after which `as` is a syntax error.
            let ty = if let Type::TraitObject(_) = ty {
                quote!((#ty))
            } else {
                quote!(#ty)
            };
            checks.extend(quote! {
                #cfg
                const _: () = <#ty as #krate::__macro::#question<#expected>>::CHECKED;
            });
        }
    };
    if sig.inputs.len() == 3 {
        let expected = [
            (quote!(DeviceObjectParameter), &device),
            (quote!(IrpParameter), &irp),
            (quote!(ContextParameter), &context),
        ];
        for (input, (question, expected)) in sig.inputs.iter().zip(expected) {
            if let FnArg::Typed(input) = input {
                check(&input.ty, question, expected);
            }
        }
    }
    if let ReturnType::Type(_, ty) = &sig.output {
        check(ty, quote!(StatusReturn), &status);
    }
    checks
}
