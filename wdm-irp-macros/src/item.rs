//! Parses the annotated function, and checks it for what no form of a routine may have.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::ext::IdentExt as _;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, GenericParam, Ident, Signature, Token, Type, Visibility};

use crate::attributes::check_within;
use crate::errors::Errors;
use crate::tokens::{find, find_impl};

/// Holds the annotated function.
///
/// The body is not parsed: the compiler reports the errors in it.
#[derive(Clone)]
pub(crate) struct Routine {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
    /// The block, or `None` if a semicolon stands in its place.
    pub(crate) body: Option<TokenTree>,
}

impl Parse for Routine {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        let vis: Visibility = input.parse()?;
        let start = input.fork();
        let sig: Signature = match input.parse() {
            Ok(sig) => sig,
            Err(error) if is_function(&start) => return Err(error),
            Err(_) => {
                let instead: TokenStream = start
                    .parse::<TokenTree>()
                    .map_or_else(|_| quote!(#(#attrs)* #vis), TokenTree::into);
                return Err(syn::Error::new_spanned(
                    instead,
                    "`#[completion_routine]` belongs on a function: move it to the \
                     `fn name(irp: Completing<'_, Context>) -> Signaled<'_>` that completes the \
                     IRP",
                ));
            }
        };
        let body = if input.peek(Token![;]) {
            let _: Token![;] = input.parse()?;
            None
        } else {
            let start = input.fork();
            match input.parse() {
                Ok(body) if is_block(&body) => Some(body),
                _ => return Err(start.error("expected curly braces")),
            }
        };
        Ok(Self {
            attrs,
            vis,
            sig,
            body,
        })
    }
}

/// Returns whether `token` is a block, also as the `block` fragment of a `macro_rules!` macro.
fn is_block(token: &TokenTree) -> bool {
    let TokenTree::Group(group) = token else {
        return false;
    };
    match group.delimiter() {
        Delimiter::Brace => true,
        Delimiter::None => {
            let mut content = group.stream().into_iter();
            content.next().is_some_and(|token| is_block(&token)) && content.next().is_none()
        }
        _ => false,
    }
}

/// Returns whether `input` begins like a function, so that a syntax error is in its signature.
fn is_function(input: ParseStream<'_>) -> bool {
    let input = input.fork();
    while let Ok(token) = input.parse::<TokenTree>() {
        match token {
            TokenTree::Ident(ident) if ident == "fn" => return true,
            TokenTree::Ident(ident)
                if ["const", "async", "unsafe", "safe", "extern", "gen"]
                    .iter()
                    .any(|word| ident == word) => {}
            TokenTree::Literal(_) => {}
            _ => return false,
        }
    }
    false
}

impl ToTokens for Routine {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        for attr in &self.attrs {
            attr.to_tokens(tokens);
        }
        self.vis.to_tokens(tokens);
        self.sig.to_tokens(tokens);
        match &self.body {
            Some(body) => body.to_tokens(tokens),
            None => tokens.extend(quote!(;)),
        }
    }
}

impl Routine {
    /// Reports what neither form of a routine may have.
    pub(crate) fn check_qualifiers(&self, errors: &mut Errors) {
        let sig = &self.sig;
        check_within(sig, self.body.as_ref(), errors);
        if let Some(token) = &sig.constness {
            errors.push(
                token,
                "a completion routine is called by the I/O manager, never at compile time: remove \
                 `const`",
            );
        }
        if let Some(token) = &sig.asyncness {
            errors.push(
                token,
                "a completion routine cannot be `async`, because the I/O manager needs its result \
                 when it returns: remove `async`, and leave what takes longer to the waiter or to \
                 a work item",
            );
        }
        if let Some(variadic) = &sig.variadic {
            errors.push(
                variadic.dots,
                "a completion routine cannot be variadic, because the I/O manager passes a fixed \
                 list of arguments: remove `...`",
            );
        }
        if self.body.is_none() {
            errors.push(
                &sig.ident,
                "a completion routine needs a body: put `#[completion_routine]` on the free \
                 function that implements it",
            );
        }
    }

    /// Reports generics other than lifetimes, with `remedy` as what to do instead.
    pub(crate) fn check_generics(&self, remedy: &str, errors: &mut Errors) {
        let generics = &self.sig.generics;
        for param in &generics.params {
            match param {
                GenericParam::Lifetime(_) => {}
                GenericParam::Type(param) => errors.push(
                    &param.ident,
                    format_args!(
                        "a completion routine has no type parameter, because it becomes one \
                         function: {remedy}"
                    ),
                ),
                GenericParam::Const(param) => errors.push(
                    &param.ident,
                    format_args!(
                        "a completion routine has no const parameter, because it becomes one \
                         function: {remedy}"
                    ),
                ),
            }
        }
        for input in &self.sig.inputs {
            if let syn::FnArg::Typed(input) = input
                && let Some(token) = find_impl(&input.ty)
            {
                errors.push(
                    token,
                    format_args!(
                        "a completion routine has no `impl Trait` parameter, because it becomes \
                         one function: {remedy}"
                    ),
                );
            }
        }
        if let Some(clause) = &generics.where_clause {
            // Not the clause itself, which prints no tokens if it has no predicates.
            let (token, predicates) = (&clause.where_token, &clause.predicates);
            errors.push(
                quote!(#token #predicates),
                "a completion routine has no `where` clause, because it has no type parameter to \
                 bound: remove the clause",
            );
        }
    }

    /// Returns whether `ty` names one of the type or const parameters, or an `impl Trait`.
    pub(crate) fn is_generic(&self, ty: &Type) -> bool {
        let names: Vec<&Ident> = self
            .sig
            .generics
            .params
            .iter()
            .filter_map(|param| match param {
                GenericParam::Lifetime(_) => None,
                GenericParam::Type(param) => Some(&param.ident),
                GenericParam::Const(param) => Some(&param.ident),
            })
            .collect();
        let generic = |token: &TokenTree| match token {
            TokenTree::Ident(ident) => {
                ident == "impl" || names.iter().any(|name| name.unraw() == ident.unraw())
            }
            _ => false,
        };
        find(&ty.to_token_stream(), &generic).is_some()
    }
}
