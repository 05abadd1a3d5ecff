//! Judges whether an expansion is what it has to be.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use proc_macro2::TokenStream;
use quote::ToTokens as _;
use syn::{Item, Signature};

use super::function::{self, Function, flat, is_of_parser, without_body};
use super::input::{Input, NOWHERE};
use crate::expand::expand;
use crate::tests::reports::{self, Report, messages, traits};
use crate::tests::tokens::{Tokens, text};

/// Lists how the messages about arguments begin.
const ABOUT_ARGUMENTS: &[&str] = &[
    "`#[completion_routine]` knows the arguments",
    "the argument `",
    "`bindings` belongs to",
];

/// Lists how the messages about the item begin that are not the parser's.
const ABOUT_ITEM: &[&str] = &[
    "IoAllocateIrpSignalEventInCompletion2: a completion routine returns `Signaled<'_>`",
    "`#[completion_routine]` belongs on a function",
    "`#[completion_routine]` is applied twice",
    "a completion routine cannot be `async`",
    "a completion routine cannot be variadic",
    "a completion routine cannot depend on a target feature",
    "a completion routine does not choose the lifetime of its IRP",
    "a completion routine has no `impl Trait` parameter",
    "a completion routine has no `where` clause",
    "a completion routine has no const parameter",
    "a completion routine has no type parameter",
    "a completion routine has one lifetime",
    "a completion routine has the same parameters in every configuration",
    "a completion routine is a free function without `self`",
    "a completion routine is called by the I/O manager",
    "a completion routine needs a body",
    "a completion routine takes exactly one parameter",
    "a typed completion routine has no symbol",
    "a typed completion routine has the Rust ABI",
    "a typed completion routine is a safe function",
    "an IO_COMPLETION_ROUTINE has exactly three parameters",
    "an IO_COMPLETION_ROUTINE has no lifetime parameter",
    "an IO_COMPLETION_ROUTINE is called with the convention of the kernel",
    "an IO_COMPLETION_ROUTINE returns NTSTATUS",
    "an IO_COMPLETION_ROUTINE trusts the pointers it is given",
    "the context of a completion routine holds no borrow",
    "the lifetime of the IRP that a completion routine completes has no bounds",
    "the proof of a completion routine belongs to the IRP",
    "the section `",
    "the section of a completion routine must be known to be resident",
    ABOUT_BODY,
];

/// Begins the message about an attribute in the body.
const ABOUT_BODY: &str = "an attribute within a completion routine goes unchecked";

/// Expands `input`, and panics unless the expansion is what it has to be.
fn judge(input: &Input) {
    let item = without_body(&input.item);
    let expansion = expand(input.args.clone(), item.clone());
    let reports = reports::reports(&expansion);

    let function = function::function(&item);
    for report in &reports {
        judge_report(report, input, &item);
    }
    let Some(function) = function else {
        judge_foreign(&expansion, &item, &reports);
        return;
    };

    for (variant, what) in [
        (input.item.clone(), "the body"),
        (flat(&item), "groups without delimiters"),
    ] {
        if text(&variant) != text(&item) && function::function(&without_body(&variant)).is_some() {
            let mut found = messages(&expand(input.args.clone(), variant));
            // Attributes at its beginning are all that the macro looks at in the body.
            found.retain(|message| !message.starts_with(ABOUT_BODY));
            assert_eq!(found, messages(&expansion), "the reports depend on {what}");
        }
    }
    let items = reports::items(&expansion);
    if !reports.is_empty() {
        assert!(
            items.iter().any(|item| declares(item, &function)),
            "the function is not declared: {}",
            text(&expansion)
        );
        return;
    }
    assert!(function.has_body, "a function without a body is accepted");
    judge_accepted(&function.sig);
    let is_raw = input
        .args
        .to_string()
        .split(',')
        .any(|argument| argument.trim() == "raw");
    if is_raw {
        judge_raw(&items, &function);
    } else {
        judge_typed(&items, &function);
    }
}

/// Requires a report to have a known message, and a place among the tokens that it is about.
fn judge_report(report: &Report, input: &Input, item: &TokenStream) {
    let message = &report.message;
    let (first, last) = (report.start.line, report.end.line);
    let lines = if report.begins_with(ABOUT_ARGUMENTS) {
        &input.args_lines
    } else {
        assert!(
            report.begins_with(ABOUT_ITEM) || is_of_parser(message, item),
            "a message of nobody's: {message}"
        );
        &input.item_lines
    };
    if first == NOWHERE && last == NOWHERE {
        // Only the parser reports without a place: it misses something after the last token.
        assert!(
            item.is_empty() || is_of_parser(message, item),
            "without a place: {message}"
        );
    } else {
        assert!(
            first <= last && lines.contains(&first) && lines.contains(&last),
            "lines {first} to {last} instead of {lines:?}: {message}"
        );
    }
}

/// Requires that what is no function stays as it is, with an error before it.
fn judge_foreign(expansion: &TokenStream, item: &TokenStream, reports: &[Report]) {
    assert!(!reports.is_empty(), "no function, but no error");
    let mut tokens: Tokens = expansion.clone().into_iter().collect();
    let errors = tokens
        .len()
        .checked_sub(item.clone().into_iter().count())
        .expect("the item is kept");
    let kept: TokenStream = tokens.drain(errors..).collect();
    assert_eq!(text(&kept), text(item), "the item is kept");
    let errors: syn::File = syn::parse2(tokens.into_iter().collect()).expect("items");
    assert_eq!(errors.items.len(), reports.len());
}

/// Returns whether `item` has the name of `function`.
fn declares(item: &Item, function: &Function) -> bool {
    match item {
        Item::Struct(item) => item.ident == function.sig.ident,
        Item::Fn(item) => item.sig.ident == function.sig.ident,
        // To `syn`, a function without a body is no item.
        Item::Verbatim(tokens) => {
            function::function(tokens).is_some_and(|found| found.sig.ident == function.sig.ident)
        }
        _ => false,
    }
}

/// Requires that nothing is accepted that is a defect in either form.
fn judge_accepted(sig: &Signature) {
    assert!(sig.constness.is_none() && sig.asyncness.is_none());
    assert!(sig.variadic.is_none() && sig.receiver().is_none());
    assert!(sig.generics.where_clause.is_none());
    assert!(matches!(sig.output, syn::ReturnType::Type(..)));
    for param in &sig.generics.params {
        assert!(matches!(param, syn::GenericParam::Lifetime(param) if param.bounds.is_empty()));
    }
}

/// Requires the function as it was, and the checks of its four types.
fn judge_raw(items: &[Item], function: &Function) {
    let Item::Fn(found) = &items[0] else {
        panic!("no function first")
    };
    assert_eq!(
        text(&found.sig.to_token_stream()),
        text(&function.sig.to_token_stream())
    );
    assert!(matches!(found.sig.safety, syn::Safety::Unsafe(_)));
    assert!(found.sig.abi.is_some() && found.sig.generics.params.is_empty());
    assert_eq!(
        text(&found.vis.to_token_stream()),
        text(&function.vis.to_token_stream())
    );
    assert_eq!(
        items.len(),
        5,
        "three parameters and the result are checked"
    );
    assert!(items[1..].iter().all(|item| matches!(item, Item::Const(_))));
}

/// Requires a unit struct with the name of the function, and its four traits.
fn judge_typed(items: &[Item], function: &Function) {
    let sig = &function.sig;
    assert!(matches!(sig.safety, syn::Safety::Default) && sig.abi.is_none());
    assert!(sig.inputs.len() == 1 && sig.generics.params.len() <= 1);
    let name = &sig.ident;
    let Item::Struct(value) = &items[0] else {
        panic!("no struct first")
    };
    assert_eq!(value.ident, *name);
    assert_eq!(
        text(&value.vis.to_token_stream()),
        text(&function.vis.to_token_stream())
    );
    assert_eq!(
        traits(&items[1..], name),
        ["Copy", "Clone", "Debug", "CompletionRoutine"]
    );
    let Item::Impl(routine) = &items[4] else {
        unreachable!("it is an implementation")
    };
    assert!(
        matches!(
            &routine.items[..],
            [syn::ImplItem::Type(_), syn::ImplItem::Fn(_)]
        ),
        "the context type and the method"
    );
}

/// Judges `input`, and prints it with `what` it is if that fails.
pub(super) fn check(input: &Input, what: &str) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| judge(input))) {
        eprintln!(
            "{what}\n  arguments: {}\n  item: {}",
            text(&input.args),
            text(&input.item)
        );
        resume_unwind(panic);
    }
}
