//! Reports attributes that a routine may not have.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::parse::{ParseStream, Parser as _};
use syn::{Attribute, FnArg, Lit, Signature};

use super::leaf::{Leaf, leaves};
use crate::errors::Errors;
use crate::tokens::open;

/// Reports a `link_section` that is pageable or discarded, and returns whether to keep `leaf`.
fn check_section(leaf: &Leaf, errors: &mut Errors) -> bool {
    let mut value = open(leaf.value.clone()).into_iter();
    let _equals = value.next();
    let value: TokenStream = value.collect();
    let Ok(Lit::Str(section)) = syn::parse2::<Lit>(value) else {
        errors.push(
            &leaf.tokens,
            "the section of a completion routine must be known to be resident: write its name as a \
             string literal",
        );
        return false;
    };
    let name = section.value().to_ascii_uppercase();
    let defect = if name.starts_with("PAGE") {
        "is pageable, but a completion routine may run at DISPATCH_LEVEL, where a page fault is a \
         bug check"
    } else if name.starts_with("INIT") {
        "is discarded after DriverEntry, but a completion routine may run as long as the driver is \
         loaded"
    } else {
        return true;
    };
    errors.push(
        &section,
        format_args!(
            "the section `{}` {defect}: remove `link_section`, so that the code is resident",
            section.value()
        ),
    );
    false
}

/// Reports an attribute that no form of a routine may have, and returns whether to keep `leaf`.
pub(super) fn check_leaf(leaf: &Leaf, errors: &mut Errors) -> bool {
    match leaf.name.as_str() {
        "link_section" => check_section(leaf, errors),
        "target_feature" => {
            errors.push(
                &leaf.tokens,
                "a completion routine cannot depend on a target feature, because it interrupts \
                 code whose extended processor state it must not touch: remove `target_feature`",
            );
            false
        }
        name if name.rsplit(':').next() == Some("completion_routine") => {
            errors.push(
                &leaf.tokens,
                "`#[completion_routine]` is applied twice: keep one of them",
            );
            false
        }
        _ => true,
    }
}

/// Reports attributes in the body and on the parameters that would escape the checks.
///
/// In the body these are the attributes that are checked above the function. On parameters they are
/// conditions, which would change the signature.
pub(crate) fn check_within(sig: &Signature, body: Option<&TokenTree>, errors: &mut Errors) {
    let inner = |input: ParseStream<'_>| {
        let attrs = input.call(Attribute::parse_inner)?;
        input.parse::<TokenStream>()?;
        Ok(attrs)
    };
    let content = body.map(|body| open(body.to_token_stream()).into_iter().next());
    let content = match content.flatten() {
        Some(TokenTree::Group(group)) => group.stream(),
        _ => TokenStream::new(),
    };
    for leaf in leaves(&inner.parse2(content).unwrap_or_default()) {
        if ["link_section", "target_feature", "no_mangle", "export_name"]
            .contains(&leaf.name.as_str())
        {
            errors.push(
                &leaf.tokens,
                format_args!(
                    "an attribute within a completion routine goes unchecked: write `{}` above the \
                     function",
                    leaf.name
                ),
            );
        }
    }
    for input in &sig.inputs {
        let attrs = match input {
            FnArg::Typed(input) => &input.attrs,
            FnArg::Receiver(receiver) => &receiver.attrs,
        };
        for leaf in leaves(attrs) {
            if leaf.name == "cfg" || !leaf.conditions.is_empty() {
                errors.push(
                    &leaf.tokens,
                    "a completion routine has the same parameters in every configuration: remove \
                     the condition",
                );
            }
        }
    }
}
