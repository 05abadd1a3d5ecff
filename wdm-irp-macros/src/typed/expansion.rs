//! Writes the value, its traits and the function that a typed routine becomes.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens as _, format_ident, quote};
use syn::ext::IdentExt as _;
use syn::{GenericParam, LifetimeParam, ReturnType, Signature, Type};

use super::lifetimes::{borrow, find_static, static_lifetime, undeclared_lifetime};
use super::place::Place;
use super::question::Question;
use super::signature::{check, parameter_type, ungrouped};
use crate::args::Args;
use crate::attributes::TypedAttributes;
use crate::errors::Errors;
use crate::item::Routine;

/// Expands a typed routine, and reports its defects.
pub(crate) fn expand(args: &Args, routine: &Routine, errors: &mut Errors) -> TokenStream {
    let attrs = TypedAttributes::new(&routine.attrs, errors);

    let mut signature_errors = Errors::default();
    check(routine, &mut signature_errors);
    let sound = signature_errors.is_empty();
    errors.push_all(signature_errors);

    let routine = &with_declared_lifetimes(routine);
    if routine.sig.receiver().is_some() || routine.body.is_none() {
        // This is an associated item, beside which no struct can stand.
        return quote!(#routine);
    }

    let krate = args.krate();
    let name = &routine.sig.ident;
    let TypedAttributes {
        value,
        routine: on_routine,
        impls,
        ..
    } = &attrs;
    let vis = &routine.vis;
    // The name is an unlikely one: a routine or constant of the same name would make it a pattern.
    let irp = Ident::new("__wdm_irp_irp", Span::mixed_site());
    let question = Question::new(&krate, routine);
    let body = match &question {
        Some(question) if sound => call(&krate, routine, &attrs, question, &irp),
        _ => stub(routine),
    };
    // The function pointer type of the question uses a named lifetime once, which is a lint.
    let allow_binder =
        (!routine.sig.generics.params.is_empty()).then(|| quote!(#[allow(single_use_lifetimes)]));
    let declaration = Place {
        first: routine.sig.fn_token.span,
        last: name.span(),
    }
    .cover(quote!(struct #name;));
    let value_traits = value_traits(name, impls);
    let members = members(&krate, question.as_ref(), &body, &irp);

    quote! {
        #value
        #[allow(non_camel_case_types)]
        #vis #declaration

        #value_traits

        #on_routine
        #allow_binder
        impl #krate::routine::CompletionRoutine for #name {
            #members
        }
    }
}

/// Declares a lifetime that nothing declares, which is reported as a defect of the signature.
///
/// The compiler would report it again wherever the expansion uses it.
fn with_declared_lifetimes(routine: &Routine) -> Routine {
    let mut declared = routine.clone();
    while let Some(lifetime) = undeclared_lifetime(&declared.sig) {
        declared
            .sig
            .generics
            .params
            .insert(0, GenericParam::Lifetime(LifetimeParam::new(lifetime)));
    }
    declared
}

/// Implements the traits of a plain value, each with the attributes `impls`.
fn value_traits(name: &Ident, impls: &TokenStream) -> TokenStream {
    let text = name.unraw().to_string();
    quote! {
        #impls
        #[automatically_derived]
        impl ::core::marker::Copy for #name {}

        #impls
        #[automatically_derived]
        impl ::core::clone::Clone for #name {
            fn clone(&self) -> Self {
                *self
            }
        }

        #impls
        #[automatically_derived]
        impl ::core::fmt::Debug for #name {
            fn fmt(
                &self,
                __wdm_irp_formatter: &mut ::core::fmt::Formatter<'_>,
            ) -> ::core::fmt::Result {
                __wdm_irp_formatter.write_str(#text)
            }
        }
    }
}

/// Returns the context type, and the method that calls the function.
fn members(
    krate: &TokenStream,
    question: Option<&Question>,
    body: &TokenStream,
    irp: &Ident,
) -> TokenStream {
    let Some(question) = question else {
        return quote! {
            type Context = ();

            fn complete(#irp: #krate::Completing<'_, ()>) -> #krate::Signaled<'_> {
                #body
            }
        };
    };
    let context = question.about(&quote!(Context));
    let context_type = question.place.cover(quote!(type Context));
    let semicolon = question.place.end(quote!(;));
    let head = question.place.cover(quote!(fn complete));
    let completing = question.place.cover(quote!(#krate::Completing));
    let (open, close) = (question.place.end(quote!(<)), question.place.end(quote!(>)));
    let signaled = question.place.end(quote!(-> #krate::Signaled<'_>));
    quote! {
        #context_type = #context #semicolon

        #head(#irp: #completing #open '_, #context #close) #signaled {
            #body
        }
    }
}

/// Returns the function, and the call that passes it the IRP.
fn call(
    krate: &TokenStream,
    routine: &Routine,
    attrs: &TypedAttributes,
    question: &Question,
    irp: &Ident,
) -> TokenStream {
    let on_function = &attrs.function;
    let mut sig = routine.sig.clone();
    sig.ident = inner_name(&sig);
    let body = &routine.body;
    let function = &sig.ident;

    let pass = question.about(&quote!(irp));
    // Call `identity`, because it takes more than one token to cover the place.
    let argument = question
        .place
        .cover(quote!(::core::convert::identity(#irp)));
    let argument = quote!(#pass(#argument));

    // Give the call the span of the result type, so that a mismatch is reported there.
    let output = match &sig.output {
        ReturnType::Type(_, ty) => ty.to_token_stream(),
        ReturnType::Default => TokenStream::new(),
    };
    let place = Place::of(&output);
    let result = place.cover(quote!(#function(#argument)));
    let convert = place.cover(quote!(#krate::__macro::RoutineReturn::signaled));
    let result = place.end(quote!((#result)));
    quote! {
        #[allow(non_snake_case)]
        #on_function
        #sig #body
        #convert #result
    }
}

/// Returns the function's own name: in its body, the name it was written with is the value's.
fn inner_name(sig: &Signature) -> Ident {
    format_ident!("__{}", sig.ident.unraw(), span = sig.ident.span())
}

/// Returns what stands in place of a function that cannot be called.
///
/// It is whatever of the function compiles, for the editor and so that nothing that the function
/// uses seems unused.
fn stub(routine: &Routine) -> TokenStream {
    let mut sig = routine.sig.clone();
    sig.ident = inner_name(&sig);
    sig.constness = None;
    sig.abi = None;
    sig.variadic = None;
    let function = if keeps_body(&routine.sig) {
        let body = &routine.body;
        quote!(#sig #body)
    } else {
        let ident = format_ident!("{}_output", sig.ident);
        let (generics, clause) = (&sig.generics, &sig.generics.where_clause);
        let output = core::mem::replace(&mut sig.output, ReturnType::Default);
        quote! {
            #sig {
                loop {}
            }
            #[allow(warnings)]
            fn #ident #generics(_: &()) #output #clause {
                loop {}
            }
        }
    };
    quote! {
        #[allow(warnings)]
        #function
        loop {}
    }
}

/// Returns whether a stub keeps the body, which adds no error if parameter and result are right.
fn keeps_body(sig: &Signature) -> bool {
    let sound_parameter = parameter_type(sig)
        .is_none_or(|ty| static_lifetime(ty).is_none() && borrow(ty, sig).is_none());
    let sound_output = match &sig.output {
        ReturnType::Default => false,
        ReturnType::Type(_, ty) => {
            !matches!(ungrouped(ty), Type::Never(_)) && find_static(&ty.to_token_stream()).is_none()
        }
    };
    sig.inputs.len() == 1
        && sig.variadic.is_none()
        && sig.generics.lifetimes().count() <= 1
        && sound_parameter
        && sound_output
}
