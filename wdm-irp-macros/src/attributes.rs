//! The other attributes of the function: which are a defect, and where the others go.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::{ToTokens as _, quote};
use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser as _};
use syn::{Attribute, FnArg, Lit, Signature, Token, token};

use crate::args::split_at_commas;
use crate::errors::Errors;

/// One attribute, taken out of `cfg_attr` and `unsafe(…)`.
struct Leaf {
    /// The conditions of the `cfg_attr`s around it, outermost first.
    conditions: Vec<TokenStream>,
    /// `link_section`, `clippy::msrv`, …
    name: String,
    /// What follows the name.
    value: TokenStream,
    /// The attribute with its `unsafe(…)`.
    tokens: TokenStream,
    /// What an attribute made of it begins with, `#`, and the place of its brackets: those that were written, because
    /// lints tell written documentation from generated one.
    pound: Token![#],
    bracket: token::Bracket,
}

impl Leaf {
    /// The attribute as it was written, with `tokens` in place of its content.
    fn attribute(&self, tokens: &TokenStream) -> TokenStream {
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

/// Takes `attrs` apart.
fn leaves(attrs: &[Attribute]) -> Vec<Leaf> {
    let mut leaves = Vec::new();
    for attr in attrs {
        collect(attr, &attr.meta.to_token_stream(), &[], &mut leaves);
    }
    leaves
}

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

/// Splits the path at the beginning from what follows, also within the fragment of a `macro_rules!` macro.
fn split_name(meta: &TokenStream) -> (String, TokenStream) {
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

/// `tokens` without the groups that the fragments of `macro_rules!` macros at their beginning are.
fn open(tokens: TokenStream) -> TokenStream {
    let mut rest = tokens.clone().into_iter();
    match rest.next() {
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::None => {
            open(group.stream().into_iter().chain(rest).collect())
        }
        _ => tokens,
    }
}

/// What is within the parentheses that `value` consists of.
fn group_content(value: &TokenStream) -> Option<TokenStream> {
    let mut tokens = value.clone().into_iter();
    match (tokens.next(), tokens.next()) {
        (Some(TokenTree::Group(group)), None) => Some(group.stream()),
        _ => None,
    }
}

/// Reports a `link_section` that the memory manager may page out or discard.
fn check_section(leaf: &Leaf, errors: &mut Errors) -> bool {
    let mut value = open(leaf.value.clone()).into_iter();
    let _equals = value.next();
    let value: TokenStream = value.collect();
    let Ok(Lit::Str(section)) = syn::parse2::<Lit>(value) else {
        errors.push(
            &leaf.tokens,
            "the section of a completion routine must be known to be resident: write its name as a string literal",
        );
        return false;
    };
    let name = section.value().to_ascii_uppercase();
    let defect = if name.starts_with("PAGE") {
        "is pageable, but a completion routine may run at DISPATCH_LEVEL, where a page fault is a bug check"
    } else if name.starts_with("INIT") {
        "is discarded after DriverEntry, but a completion routine may run as long as the driver is loaded"
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

/// Reports an attribute that neither form of a routine may have. Whether `leaf` is to be kept.
fn check_leaf(leaf: &Leaf, errors: &mut Errors) -> bool {
    match leaf.name.as_str() {
        "link_section" => check_section(leaf, errors),
        "target_feature" => {
            errors.push(
                &leaf.tokens,
                "a completion routine cannot depend on a target feature, because it interrupts code whose extended \
                 processor state it must not touch: remove `target_feature`",
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

/// Reports attributes within the body that would have to be checked, and those of parameters that would change the signature.
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
                    "an attribute within a completion routine goes unchecked: write `{}` above the function",
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
                    "a completion routine has the same parameters in every configuration: remove the condition",
                );
            }
        }
    }
}

/// The attributes of a raw routine without those that are a defect.
pub(crate) struct RawAttributes {
    pub(crate) function: TokenStream,
    /// What the checks beside the function share with it.
    pub(crate) cfg: TokenStream,
}

impl RawAttributes {
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

/// The attributes of a typed routine, by where they go.
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

/// The lints that concern the name, not the code of the function.
const LINTS_OF_THE_VALUE: [&str; 6] = [
    "dead_code",
    "missing_docs",
    "private_interfaces",
    "unreachable_pub",
    "unused",
    "deprecated_in_future",
];

impl TypedAttributes {
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
                        "a typed completion routine has no symbol, because it is a value: remove `{}`, or use \
                         `#[completion_routine(raw)]` for a hand-written IO_COMPLETION_ROUTINE",
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

    /// An expectation is fulfilled in one place, so each lint goes where it can fire.
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
