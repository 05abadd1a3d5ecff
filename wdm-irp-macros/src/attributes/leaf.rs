//! Takes the attributes of a function out of `cfg_attr` and `unsafe(…)`.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens as _, quote};
use syn::ext::IdentExt as _;
use syn::{Attribute, Token, token};

use crate::tokens::{group_content, open, split_at_commas};

/// Holds one attribute, taken out of `cfg_attr` and `unsafe(…)`.
pub(super) struct Leaf {
    /// The conditions of the `cfg_attr`s around it, outermost first.
    pub(super) conditions: Vec<TokenStream>,
    /// `link_section`, `clippy::msrv`, …
    pub(super) name: String,
    /// What follows the name.
    pub(super) value: TokenStream,
    /// The attribute with its `unsafe(…)`.
    pub(super) tokens: TokenStream,
    /// The `#` as it was written, because lints tell written documentation from generated
    /// documentation by where it is.
    pound: Token![#],
    /// The brackets as they were written, for the same lints.
    bracket: token::Bracket,
}

impl Leaf {
    /// Returns the attribute as it was written, with `tokens` in place of its content.
    pub(super) fn attribute(&self, tokens: &TokenStream) -> TokenStream {
        let meta = self.conditions.iter().rev().fold(
            tokens.clone(),
            |meta, condition| quote!(cfg_attr(#condition, #meta)),
        );
        let mut tokens = self.pound.to_token_stream();
        self.bracket
            .surround(&mut tokens, |content| content.extend(meta));
        tokens
    }
}

/// Takes all of `attrs` apart.
pub(super) fn leaves(attrs: &[Attribute]) -> Vec<Leaf> {
    let mut leaves = Vec::new();
    for attr in attrs {
        collect(attr, &attr.meta.to_token_stream(), &[], &mut leaves);
    }
    leaves
}

/// Adds the attributes in `meta`, which stands in `attr` under `conditions`, to `leaves`.
fn collect(
    attr: &Attribute,
    meta: &TokenStream,
    conditions: &[TokenStream],
    leaves: &mut Vec<Leaf>,
) {
    let (name, value) = split_name(meta);
    if name == "cfg_attr"
        && let Some(content) = group_content(&value)
    {
        let mut parts = split_at_commas(content).into_iter();
        let mut conditions = conditions.to_vec();
        conditions.extend(parts.next());
        for part in parts {
            collect(attr, &part, &conditions, leaves);
        }
        return;
    }
    let (name, value) = match group_content(&value) {
        Some(content) if name == "unsafe" => split_name(&content),
        _ => (name, value),
    };
    leaves.push(Leaf {
        conditions: conditions.to_vec(),
        name,
        value,
        tokens: meta.clone(),
        pound: attr.pound_token,
        bracket: attr.bracket_token,
    });
}

/// Splits the path at the beginning from what follows.
///
/// Either may be a fragment of a `macro_rules!` macro.
pub(super) fn split_name(meta: &TokenStream) -> (String, TokenStream) {
    let mut name = String::new();
    let mut tokens = open(meta.clone()).into_iter().peekable();
    while let Some(TokenTree::Ident(_) | TokenTree::Punct(_)) = tokens.peek() {
        match tokens.peek() {
            Some(TokenTree::Ident(ident)) => name.push_str(&ident.unraw().to_string()),
            Some(TokenTree::Punct(punct)) if punct.as_char() == ':' => name.push(':'),
            _ => break,
        }
        tokens.next();
    }
    (name, tokens.collect())
}
