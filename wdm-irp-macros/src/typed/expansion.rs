//! What a typed routine becomes.

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

/// Expands a typed routine and reports its defects.
pub(crate) fn expand(args: &Args, routine: &Routine, errors: &mut Errors) -> TokenStream {
    let attrs = TypedAttributes::new(&routine.attrs, errors);

    let mut signature_errors = Errors::default();
    check(routine, &mut signature_errors);
    let sound = signature_errors.is_empty();
    errors.push_all(signature_errors);

    // An undeclared lifetime is reported once, not wherever the expansion uses it.
    let mut declared = routine.clone();
    while let Some(lifetime) = undeclared_lifetime(&declared.sig) {
        declared
            .sig
            .generics
            .params
            .insert(0, GenericParam::Lifetime(LifetimeParam::new(lifetime)));
    }
    let routine = &declared;

    if routine.sig.receiver().is_some() || routine.body.is_none() {
        // An associated item, beside which no struct can stand.
        return quote!(#routine);
    }

    let krate = args.krate();
    let name = &routine.sig.ident;
    let text = name.unraw().to_string();
    let TypedAttributes {
        value,
        routine: on_routine,
        impls,
        ..
    } = &attrs;
    let vis = &routine.vis;
    // A routine or constant of the same name would make a pattern of it.
    let irp = Ident::new("__wdm_irp_irp", Span::mixed_site());
    let question = Question::new(&krate, routine);
    let body = match &question {
        Some(question) if sound => call(&krate, routine, &attrs, question, &irp),
        _ => stub(routine),
    };
    // The function pointer type uses the lifetime once.
    let allow_binder =
        (!routine.sig.generics.params.is_empty()).then(|| quote!(#[allow(single_use_lifetimes)]));
    let declaration = Place {
        first: routine.sig.fn_token.span,
        last: name.span(),
    }
    .cover(quote!(struct #name;));
    let members = members(&krate, question.as_ref(), &body, &irp);

    quote! {
        #value
        #[allow(non_camel_case_types)]
        #vis #declaration

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

        #on_routine
        #allow_binder
        impl #krate::CompletionRoutine for #name {
            #members
        }
    }
}

/// The context type, and the method that calls the function.
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

/// The function and the call that hands it the IRP.
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
    // More than one token, to cover the place.
    let argument = question
        .place
        .cover(quote!(::core::convert::identity(#irp)));
    let argument = quote!(#pass(#argument));

    // The call stands for the type of its result in the error message.
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

/// The function's own name: within its body, the name it was written with is that of the value.
fn inner_name(sig: &Signature) -> Ident {
    format_ident!("__{}", sig.ident.unraw(), span = sig.ident.span())
}

/// What stands in place of a function that cannot be called: whatever of it compiles, for the editor and so that
/// nothing it uses seems unused.
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

/// Returns whether the body may stand in a stub: where the defect is one that the body does not see.
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
