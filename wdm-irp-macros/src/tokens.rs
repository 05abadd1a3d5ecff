//! Splits and searches tokens, without knowing what a routine is.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::Type;

/// Splits `tokens` at commas, and keeps empty parts except one after a trailing comma.
pub(crate) fn split_at_commas(tokens: TokenStream) -> Vec<TokenStream> {
    let mut parts = Vec::new();
    let mut part = TokenStream::new();
    let mut open = false;
    for token in tokens {
        open = true;
        match token {
            TokenTree::Punct(punct) if punct.as_char() == ',' => {
                if part.is_empty() {
                    // An error about the missing part points at the comma.
                    part.extend([TokenTree::Punct(punct)]);
                }
                parts.push(core::mem::take(&mut part));
                open = false;
            }
            token => part.extend([token]),
        }
    }
    if open {
        parts.push(part);
    }
    parts
}

/// Opens the groups without delimiters at the beginning of `tokens`.
///
/// Such a group is what the compiler makes of a fragment of a `macro_rules!` macro.
pub(crate) fn open(tokens: TokenStream) -> TokenStream {
    let mut rest = tokens.clone().into_iter();
    match rest.next() {
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::None => {
            open(group.stream().into_iter().chain(rest).collect())
        }
        _ => tokens,
    }
}

/// Returns the content of `value`, if that is one group and nothing else.
pub(crate) fn group_content(value: &TokenStream) -> Option<TokenStream> {
    let mut tokens = value.clone().into_iter();
    match (tokens.next(), tokens.next()) {
        (Some(TokenTree::Group(group)), None) => Some(group.stream()),
        _ => None,
    }
}

/// Returns whether `token` is the word `name`.
pub(crate) fn is_ident(token: &TokenTree, name: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == name)
}

/// Finds the word `impl` in `ty`.
pub(crate) fn find_impl(ty: &Type) -> Option<TokenTree> {
    find(&ty.to_token_stream(), &|token| is_ident(token, "impl"))
}

/// Finds the first token, at any depth, that `wanted` accepts.
pub(crate) fn find(tokens: &TokenStream, wanted: &dyn Fn(&TokenTree) -> bool) -> Option<TokenTree> {
    find_with(tokens, &mut |token| wanted(token))
}

/// Finds the first token, at any depth, that `wanted` accepts, which may keep state.
pub(crate) fn find_with(
    tokens: &TokenStream,
    wanted: &mut dyn FnMut(&TokenTree) -> bool,
) -> Option<TokenTree> {
    for token in tokens.clone() {
        if wanted(&token) {
            return Some(token);
        }
        if let TokenTree::Group(group) = &token
            && let Some(token) = find_with(&group.stream(), wanted)
        {
            return Some(token);
        }
    }
    None
}
