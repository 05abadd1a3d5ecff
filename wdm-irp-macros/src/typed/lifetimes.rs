//! Finds the lifetimes that a typed routine may not name.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::ext::IdentExt as _;
use syn::punctuated::Punctuated;
use syn::{GenericArgument, Lifetime, PathArguments, Signature, Token, Type};

use crate::tokens::{find_with, is_ident};

/// Finds the lifetime `'static` in `tokens`.
pub(super) fn find_static(tokens: &TokenStream) -> Option<TokenTree> {
    let mut quote = false;
    find_with(tokens, &mut |token| {
        let found = quote && is_ident(token, "static");
        quote = matches!(token, TokenTree::Punct(punct) if punct.as_char() == '\'');
        found
    })
}

/// Finds `'static` where the IRP's lifetime belongs, as the only lifetime argument of `ty`.
pub(super) fn static_lifetime(ty: &Type) -> Option<&Lifetime> {
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

/// Finds a borrow in the generic arguments of `ty`, where the context is.
///
/// Its lifetime is elided or the IRP's. A second such lifetime argument counts as well, because a
/// function whose parameter has two lifetimes cannot be a routine.
pub(super) fn borrow(ty: &Type, sig: &Signature) -> Option<TokenStream> {
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

/// Finds a borrow in `ty` whose lifetime is elided or satisfies `is_borrow`.
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

/// Returns the generic arguments of the last segment, if `ty` is a path.
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

/// Finds the first lifetime in the signature that nothing declares.
pub(super) fn undeclared_lifetime(sig: &Signature) -> Option<Lifetime> {
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

/// Returns the lifetimes in `tokens`, each with whether a `for<…>` declares it.
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
