//! Tells what `syn` takes for a function.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use syn::{Signature, Visibility};

use crate::tests::tokens::Tokens;

/// Holds what `syn` takes for a function, with or without a body.
pub(super) struct Function {
    pub(super) vis: Visibility,
    pub(super) sig: Signature,
    pub(super) has_body: bool,
}

/// Parses `item` as a function, with or without a body.
pub(super) fn function(item: &TokenStream) -> Option<Function> {
    if let Ok(syn::ItemFn { vis, sig, .. }) = syn::parse2(item.clone()) {
        return Some(Function {
            vis,
            sig,
            has_body: true,
        });
    }
    let syn::ForeignItemFn { vis, sig, .. } = syn::parse2(item.clone()).ok()?;
    // Only functions in `extern` blocks are `safe`.
    (!matches!(sig.safety, syn::Safety::Safe(_))).then_some(Function {
        vis,
        sig,
        has_body: false,
    })
}

/// Returns whether the parser may say `message` about `item`, which is no function to it.
pub(super) fn is_of_parser(message: &str, item: &TokenStream) -> bool {
    let with_body = syn::parse2::<syn::ItemFn>(item.clone());
    let without_body = syn::parse2::<syn::ForeignItemFn>(item.clone());
    match (with_body, without_body) {
        (Err(first), Err(second)) => {
            // It is about the body, which the macro does not parse, or about what follows.
            message == "expected curly braces"
                || message.starts_with("unexpected token")
                || [first.to_string(), second.to_string()].contains(&message.to_owned())
        }
        _ => false,
    }
}

/// Empties the body of `item`, which is the compiler's to judge.
pub(super) fn without_body(item: &TokenStream) -> TokenStream {
    let mut tokens: Tokens = item.clone().into_iter().collect();
    if let Some(TokenTree::Group(body)) = tokens.last_mut() {
        let content = match body.delimiter() {
            Delimiter::Brace => TokenStream::new(),
            Delimiter::None => without_body(&body.stream()),
            _ => return item.clone(),
        };
        let span = body.span();
        *body = Group::new(body.delimiter(), content);
        body.set_span(span);
    }
    tokens.into_iter().collect()
}

/// Opens the groups without delimiters in `tokens`.
///
/// One after an apostrophe stays, because it keeps the apostrophe from making a lifetime of a name.
pub(super) fn flat(tokens: &TokenStream) -> TokenStream {
    let mut flattened = TokenStream::new();
    let mut after_apostrophe = false;
    for token in tokens.clone() {
        let is_apostrophe = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == '\'');
        match token {
            TokenTree::Group(group)
                if group.delimiter() == Delimiter::None && !after_apostrophe =>
            {
                flattened.extend(flat(&group.stream()));
            }
            TokenTree::Group(group) => {
                let mut copy = Group::new(group.delimiter(), flat(&group.stream()));
                copy.set_span(group.span());
                flattened.extend([TokenTree::Group(copy)]);
            }
            token => flattened.extend([token]),
        }
        after_apostrophe = is_apostrophe;
    }
    flattened
}
