//! Decides where the attributes of a function go in the expansion.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Token};

use super::defects::check_leaf;
use super::leaf::{Leaf, leaves, split_name};
use crate::errors::Errors;
use crate::tokens::{group_content, split_at_commas};

/// Holds the attributes of a raw routine, without those that are a defect.
pub(crate) struct RawAttributes {
    /// On the function.
    pub(crate) function: TokenStream,
    /// Of these, the conditions, which the checks beside the function share with it.
    pub(crate) cfg: TokenStream,
}

impl RawAttributes {
    /// Sorts `attrs`, and reports those that are a defect.
    pub(crate) fn new(attrs: &[Attribute], errors: &mut Errors) -> Self {
        let mut this = Self {
            function: TokenStream::new(),
            cfg: TokenStream::new(),
        };
        for leaf in leaves(attrs) {
            if check_leaf(&leaf, errors) {
                this.function.extend(leaf.attribute(&leaf.tokens));
                if leaf.name == "cfg" {
                    this.cfg.extend(leaf.attribute(&leaf.tokens));
                }
            }
        }
        this
    }
}

/// Holds the attributes of a typed routine, by where they go.
#[derive(Default)]
pub(crate) struct TypedAttributes {
    /// On the unit struct.
    pub(crate) value: TokenStream,
    /// On the `CompletionRoutine` implementation around the function.
    pub(crate) routine: TokenStream,
    /// On the other implementations.
    pub(crate) impls: TokenStream,
    /// On the function.
    pub(crate) function: TokenStream,
}

/// Names the lints that concern the name, not the code of the function.
const LINTS_OF_THE_VALUE: [&str; 6] = [
    "dead_code",
    "missing_docs",
    "private_interfaces",
    "unreachable_pub",
    "unused",
    "deprecated_in_future",
];

impl TypedAttributes {
    /// Sorts `attrs`, and reports those that are a defect.
    pub(crate) fn new(attrs: &[Attribute], errors: &mut Errors) -> Self {
        let mut this = Self::default();
        for leaf in leaves(attrs) {
            if !check_leaf(&leaf, errors) {
                continue;
            }
            let attribute = leaf.attribute(&leaf.tokens);
            match leaf.name.as_str() {
                "no_mangle" | "export_name" => errors.push(
                    &leaf.tokens,
                    format_args!(
                        "a typed completion routine has no symbol, because it is a value: remove \
                         `{}`, or use `#[completion_routine(raw)]` for a hand-written \
                         IO_COMPLETION_ROUTINE",
                        leaf.name
                    ),
                ),
                "cfg" => {
                    this.value.extend(attribute.clone());
                    this.routine.extend(attribute.clone());
                    this.impls.extend(attribute);
                }
                "allow" | "warn" | "deny" | "forbid" => {
                    this.value.extend(attribute.clone());
                    this.routine.extend(attribute);
                }
                "expect" => this.expect(&leaf),
                "doc" => this.value.extend(attribute),
                "deprecated" => {
                    this.value.extend(attribute);
                    let allow = leaf.attribute(&quote!(allow(deprecated)));
                    this.routine.extend(allow.clone());
                    this.impls.extend(allow);
                }
                _ => this.function.extend(attribute),
            }
        }
        this
    }

    /// Puts each lint of an `expect` in the one place where it can fire.
    ///
    /// In any other place the expectation would stay unfulfilled.
    fn expect(&mut self, leaf: &Leaf) {
        let content = group_content(&leaf.value).unwrap_or_default();
        let (reason, lints): (Vec<_>, Vec<_>) = split_at_commas(content)
            .into_iter()
            .partition(|part| syn::parse2::<syn::MetaNameValue>(part.clone()).is_ok());
        let reason = reason.first().map(|reason| {
            let comma = <Token![,]>::default();
            quote!(#comma #reason)
        });
        let (value, code): (Vec<_>, Vec<_>) = lints
            .into_iter()
            .partition(|lint| LINTS_OF_THE_VALUE.contains(&split_name(lint).0.as_str()));
        if !value.is_empty() {
            self.value
                .extend(leaf.attribute(&quote!(expect(#(#value),* #reason))));
        }
        if !code.is_empty() {
            self.function
                .extend(leaf.attribute(&quote!(expect(#(#code),* #reason))));
        }
    }
}
