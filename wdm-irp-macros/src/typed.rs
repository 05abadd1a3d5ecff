//! `#[completion_routine]`: a safe function becomes a value that implements `CompletionRoutine`.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens as _, format_ident, quote};
use syn::ext::IdentExt as _;
use syn::punctuated::Punctuated;
use syn::{
    FnArg, GenericArgument, GenericParam, Lifetime, LifetimeParam, PathArguments, ReturnType,
    Safety, Signature, Token, Type,
};

use crate::args::Args;
use crate::attributes::TypedAttributes;
use crate::errors::Errors;
use crate::item::{Routine, find_static};

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

/// Reports what is wrong with the signature, as far as syntax shows it.
fn check(routine: &Routine, errors: &mut Errors) {
    let sig = &routine.sig;
    routine.check_qualifiers(errors);
    if let Safety::Unsafe(token) = &sig.safety {
        errors.push(
            token,
            "a typed completion routine is a safe function: remove `unsafe`, or use `#[completion_routine(raw)]` for a \
             hand-written IO_COMPLETION_ROUTINE",
        );
    }
    if let Some(abi) = &sig.abi {
        errors.push(
            abi,
            "a typed completion routine has the Rust ABI, because the library supplies the `extern \"system\"` function \
             that the I/O manager calls: remove `extern`, or use `#[completion_routine(raw)]` for a hand-written \
             IO_COMPLETION_ROUTINE",
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

fn check_lifetimes(sig: &Signature, errors: &mut Errors) {
    let lifetimes = sig.generics.params.iter().filter_map(|param| match param {
        GenericParam::Lifetime(param) => Some(param),
        GenericParam::Type(_) | GenericParam::Const(_) => None,
    });
    for (index, param) in lifetimes.enumerate() {
        if index > 0 {
            errors.push(
                &param.lifetime,
                "a completion routine has one lifetime, that of the IRP it completes, and its context is 'static: \
                 remove the other lifetimes",
            );
        }
        if !param.bounds.is_empty() {
            errors.push(
                &param.bounds,
                "the lifetime of the IRP that a completion routine completes has no bounds, because the library chooses \
                 it: remove them",
            );
        }
    }
    if let Some(lifetime) = undeclared_lifetime(sig) {
        let message = format!(
            "a completion routine does not choose the lifetime of its IRP: write `'_`, or declare `{lifetime}` as \
             `fn {}<{lifetime}>`",
            sig.ident
        );
        errors.push(lifetime, message);
    }
}

fn check_parameters(sig: &Signature, errors: &mut Errors) {
    if let Some(receiver) = sig.receiver() {
        errors.push(
            receiver,
            "a completion routine is a free function without `self`, because the I/O manager knows only the IRP: move \
             what it needs into the context of `Completing<'_, Context>`",
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
                    "a completion routine does not choose the lifetime of its IRP, which ends with the routine: write \
                     `Completing<'_, Context>`",
                );
            } else if let Some(borrow) = borrow(ty, sig) {
                errors.push(
                    borrow,
                    "the context of a completion routine holds no borrow, because it lives until the lower driver \
                     completes the IRP: move the value into it, or borrow for `'static`",
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
                    "a completion routine takes exactly one parameter, the IRP it completes: move what else it needs \
                     into the context of `Completing<'_, Context>`{raw}"
                ),
            );
        }
    }
}

fn check_output(sig: &Signature, errors: &mut Errors) {
    match &sig.output {
        ReturnType::Default => errors.push_error(syn::Error::new(
            sig.paren_token.span.close(),
            "IoAllocateIrpSignalEventInCompletion2: a completion routine returns `Signaled<'_>`, the proof that it \
             signals the waiter when PendingReturned is set; add `-> Signaled<'_>`",
        )),
        ReturnType::Type(_, ty) => {
            if let Type::Never(never) = ungrouped(ty) {
                errors.push(
                    never,
                    "IoAllocateIrpSignalEventInCompletion2: a completion routine returns `Signaled<'_>`, the proof \
                     that it signals the waiter when PendingReturned is set; it cannot diverge, so write \
                     `-> Signaled<'_>`",
                );
            } else if let Some(lifetime) = find_static(&ty.to_token_stream()) {
                errors.push(
                    lifetime,
                    "the proof of a completion routine belongs to the IRP it was called with, which is not 'static: \
                     write `-> Signaled<'_>`",
                );
            }
        }
    }
}

/// The question to the type system which context type the parameter has.
///
/// The compiler asks it wherever the expansion depends on the answer. Each of these places is given the span of the
/// parameter's type, because it reports an error once for each place.
struct Question {
    place: Place,
    /// `fn(Parameter)`: lifetimes in it are elided or named like those of the function.
    function: TokenStream,
    /// `krate::__macro::RoutineParameter`
    asked: TokenStream,
}

impl Question {
    /// `None` if there is no parameter to ask about.
    fn new(krate: &TokenStream, routine: &Routine) -> Option<Self> {
        let sig = &routine.sig;
        let param = parameter_type(sig)?;
        // With a wrong number of parameters anything but a path is no attempt at `Completing`.
        if routine.is_generic(param)
            || sig.generics.lifetimes().count() > 1
            || (sig.inputs.len() != 1 && !matches!(param, Type::Path(_)))
            || static_lifetime(param).is_some()
            || borrow(param, sig).is_some()
        {
            return None;
        }
        let lifetimes = sig.generics.lifetimes().map(|param| &param.lifetime);
        let binder = (!sig.generics.params.is_empty()).then(|| quote!(for<#(#lifetimes),*>));
        let place = Place::of(&param.to_token_stream());
        let function = place.cover(quote!(#binder fn(#param)));
        Some(Self {
            place,
            function,
            asked: quote!(#krate::__macro::RoutineParameter),
        })
    }

    /// `<fn(Parameter) as RoutineParameter>::member`
    fn about(&self, member: &TokenStream) -> TokenStream {
        let (function, asked) = (&self.function, &self.asked);
        let before = self.place.start(quote!(<));
        let after = self.place.end(quote!(as #asked>::#member));
        quote!(#before #function #after)
    }
}

/// Where an error message is to point.
#[derive(Clone, Copy)]
struct Place {
    first: Span,
    last: Span,
}

impl Place {
    /// The place that `tokens` take.
    fn of(tokens: &TokenStream) -> Self {
        let mut spans = tokens.clone().into_iter().map(|token| match token {
            TokenTree::Group(group) => (group.span_open(), group.span_close()),
            token => (token.span(), token.span()),
        });
        let Some((first, last)) = spans.next() else {
            return Self {
                first: Span::call_site(),
                last: Span::call_site(),
            };
        };
        Self {
            first,
            last: spans.last().map_or(last, |(_, last)| last),
        }
    }

    /// `tokens`, from the beginning of the place to its end.
    fn cover(self, tokens: TokenStream) -> TokenStream {
        let mut tokens = tokens.into_iter();
        let first: TokenStream = tokens.next().into_iter().collect();
        let (first, others) = (self.start(first), self.end(tokens.collect()));
        quote!(#first #others)
    }

    /// `tokens` at the beginning of the place.
    fn start(self, tokens: TokenStream) -> TokenStream {
        located(tokens, self.first)
    }

    /// `tokens` at the end of the place.
    fn end(self, tokens: TokenStream) -> TokenStream {
        located(tokens, self.last)
    }
}

/// `tokens` at the place `span`, where they mean what they meant before.
fn located(tokens: TokenStream, span: Span) -> TokenStream {
    tokens
        .into_iter()
        .map(|mut token| {
            token.set_span(span.resolved_at(token.span()));
            token
        })
        .collect()
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
    let keeps_body = sig.inputs.len() == 1
        && routine.sig.variadic.is_none()
        && sig.generics.lifetimes().count() <= 1
        && parameter_type(&sig)
            .is_none_or(|ty| static_lifetime(ty).is_none() && borrow(ty, &sig).is_none())
        && match &sig.output {
            ReturnType::Default => false,
            ReturnType::Type(_, ty) => {
                !matches!(ungrouped(ty), Type::Never(_))
                    && find_static(&ty.to_token_stream()).is_none()
            }
        };
    let function = if keeps_body {
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

/// `ty` itself, where it is the fragment of a `macro_rules!` macro.
fn ungrouped(mut ty: &Type) -> &Type {
    while let Type::Group(group) = ty {
        ty = &group.elem;
    }
    ty
}

/// The type of the parameter.
fn parameter_type(sig: &Signature) -> Option<&Type> {
    match sig.inputs.first() {
        Some(FnArg::Typed(param)) => Some(&param.ty),
        _ => None,
    }
}

/// `'static` where the lifetime of the IRP belongs: the only lifetime argument of the type.
fn static_lifetime(ty: &Type) -> Option<&Lifetime> {
    let mut lifetimes = arguments(ty)
        .into_iter()
        .flatten()
        .filter_map(|argument| match argument {
            GenericArgument::Lifetime(lifetime) => Some(lifetime),
            _ => None,
        });
    let first = lifetimes.next()?;
    (first.ident == "static" && lifetimes.next().is_none()).then_some(first)
}

/// A borrow in the type arguments, where the context is, with a lifetime that is elided or the IRP's.
///
/// A function whose parameter has two lifetimes cannot be a routine, whatever the type that has them.
fn borrow(ty: &Type, sig: &Signature) -> Option<TokenStream> {
    let declared: Vec<&Ident> = sig
        .generics
        .lifetimes()
        .map(|param| &param.lifetime.ident)
        .collect();
    let is_borrow = |lifetime: &Lifetime| {
        lifetime.ident == "_"
            || declared
                .first()
                .is_some_and(|first| **first == lifetime.ident)
    };
    let mut seen = false;
    arguments(ty)
        .into_iter()
        .flatten()
        .find_map(|argument| match argument {
            GenericArgument::Type(ty) => borrow_within(ty, &is_borrow),
            // The first lifetime is that of the IRP.
            GenericArgument::Lifetime(lifetime)
                if is_borrow(lifetime) && core::mem::replace(&mut seen, true) =>
            {
                Some(lifetime.to_token_stream())
            }
            _ => None,
        })
}

fn borrow_within(ty: &Type, is_borrow: &dyn Fn(&Lifetime) -> bool) -> Option<TokenStream> {
    match ty {
        Type::Reference(reference) => match &reference.lifetime {
            None => Some(reference.and_token.to_token_stream()),
            Some(lifetime) if is_borrow(lifetime) => Some(lifetime.to_token_stream()),
            Some(_) => borrow_within(&reference.elem, is_borrow),
        },
        Type::Array(array) => borrow_within(&array.elem, is_borrow),
        Type::Slice(slice) => borrow_within(&slice.elem, is_borrow),
        Type::Group(group) => borrow_within(&group.elem, is_borrow),
        Type::Paren(paren) => borrow_within(&paren.elem, is_borrow),
        Type::Tuple(tuple) => tuple
            .elems
            .iter()
            .find_map(|ty| borrow_within(ty, is_borrow)),
        Type::Path(_) => arguments(ty)
            .into_iter()
            .flatten()
            .find_map(|argument| match argument {
                GenericArgument::Lifetime(lifetime) if is_borrow(lifetime) => {
                    Some(lifetime.to_token_stream())
                }
                GenericArgument::Type(ty) => borrow_within(ty, is_borrow),
                _ => None,
            }),
        _ => None,
    }
}

/// The generic arguments of the last segment of a path.
fn arguments(ty: &Type) -> Option<&Punctuated<GenericArgument, Token![,]>> {
    match ty {
        Type::Group(group) => arguments(&group.elem),
        Type::Paren(paren) => arguments(&paren.elem),
        Type::Path(path) => match &path.path.segments.last()?.arguments {
            PathArguments::AngleBracketed(arguments) => Some(&arguments.args),
            _ => None,
        },
        _ => None,
    }
}

/// A lifetime in the signature that nothing declares.
fn undeclared_lifetime(sig: &Signature) -> Option<Lifetime> {
    let used = lifetimes(&sig.inputs.to_token_stream())
        .into_iter()
        .chain(lifetimes(&sig.output.to_token_stream()));
    let mut declared: Vec<String> = vec!["_".into(), "static".into()];
    declared.extend(
        sig.generics
            .lifetimes()
            .map(|param| param.lifetime.ident.unraw().to_string()),
    );
    let mut undeclared = None;
    for (lifetime, in_binder) in used {
        let name = lifetime.ident.unraw().to_string();
        if in_binder {
            declared.push(name);
        } else if undeclared.is_none() && !declared.contains(&name) {
            undeclared = Some(lifetime);
        }
    }
    undeclared
}

/// The lifetimes in `tokens`, each with whether `for<…>` declares it.
fn lifetimes(tokens: &TokenStream) -> Vec<(Lifetime, bool)> {
    let mut found = Vec::new();
    let (mut after_for, mut in_binder) = (false, false);
    let mut tokens = tokens.clone().into_iter();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Group(group) => found.extend(lifetimes(&group.stream())),
            TokenTree::Ident(ident) => after_for = ident == "for",
            TokenTree::Punct(punct) => match punct.as_char() {
                '<' => in_binder = core::mem::take(&mut after_for),
                '>' => in_binder = false,
                '\'' => {
                    if let Some(TokenTree::Ident(ident)) = tokens.next() {
                        let apostrophe = punct.span();
                        found.push((Lifetime { apostrophe, ident }, in_binder));
                    }
                }
                _ => {}
            },
            TokenTree::Literal(_) => {}
        }
    }
    found
}
