//! Reads what an expansion reports and declares.

use proc_macro2::{Ident, LineColumn, TokenStream, TokenTree};
use quote::{ToTokens as _, quote};
use syn::{Item, LitStr};

use super::tokens::{text, with_fragments};
use crate::expand::expand;

/// Holds a `compile_error!`, with the place that it points at.
pub(super) struct Report {
    pub(super) message: String,
    pub(super) start: LineColumn,
    pub(super) end: LineColumn,
}

impl Report {
    /// Returns whether the message begins with one of `beginnings`.
    pub(super) fn begins_with(&self, beginnings: &[&str]) -> bool {
        beginnings
            .iter()
            .any(|beginning| self.message.starts_with(beginning))
    }
}

/// Returns the `compile_error!`s in an expansion.
pub(super) fn reports(expansion: &TokenStream) -> Vec<Report> {
    let mut reports = Vec::new();
    let mut name: Option<Ident> = None;
    for token in expansion.clone() {
        match token {
            TokenTree::Ident(ident) => name = (ident == "compile_error").then_some(ident),
            TokenTree::Group(group) => {
                if let Some(name) = name.take() {
                    let message: LitStr = syn::parse2(group.stream()).expect("a literal");
                    reports.push(Report {
                        message: message.value(),
                        start: name.span().start(),
                        end: group.span_close().end(),
                    });
                }
            }
            _ => {}
        }
    }
    reports
}

/// Returns the messages of the `compile_error!`s in an expansion.
pub(super) fn messages(expansion: &TokenStream) -> Vec<String> {
    reports(expansion)
        .into_iter()
        .map(|report| report.message)
        .collect()
}

/// Expands, requires that items result, and returns the messages.
pub(super) fn errors(args: TokenStream, item: TokenStream) -> Vec<String> {
    let expansion = expand(args, item);
    items(&expansion);
    messages(&expansion)
}

/// Expands, and requires the messages to begin with `expected`, in this order.
pub(super) fn assert_errors(args: TokenStream, item: TokenStream, expected: &[&str]) {
    let errors = errors(args, item);
    assert_eq!(errors.len(), expected.len(), "{errors:#?}");
    for (error, expected) in errors.iter().zip(expected) {
        assert!(error.starts_with(expected), "{error}\n  is not\n{expected}");
    }
}

/// Requires one error, which begins with `expected`, and returns its message.
///
/// It points at what `«…»` encloses in `item`.
pub(super) fn assert_error_at(args: TokenStream, item: &str, expected: &str) -> String {
    let (before, rest) = item.split_once('«').expect("a place");
    let (place, after) = rest.split_once('»').expect("the end of the place");
    let expansion = expand(args, with_fragments(&[before, place, after].concat()));
    let mut reports = reports(&expansion);
    assert_eq!(reports.len(), 1, "{item}: {:#?}", messages(&expansion));
    let report = reports.remove(0);
    assert!(
        report.message.starts_with(expected),
        "{item}: {}\n  is not\n{expected}",
        report.message
    );
    let start = before.chars().count();
    assert_eq!(
        (report.start.column, report.end.column),
        (start, start + place.chars().count()),
        "{item}: {expected}"
    );
    report.message
}

/// Returns the items at the top level of an expansion, without the reported errors.
pub(super) fn items(expansion: &TokenStream) -> Vec<Item> {
    let file: syn::File = syn::parse2(expansion.clone())
        .unwrap_or_else(|error| panic!("no items, {error}: {}", text(expansion)));
    file.items
        .into_iter()
        .filter(|item| !matches!(item, Item::Macro(_)))
        .collect()
}

/// Returns the names of the traits that `items` implement for `ty`; there are no other items.
pub(super) fn traits(items: &[Item], ty: &Ident) -> Vec<String> {
    let name = |item: &Item| match item {
        Item::Impl(item) => {
            assert_eq!(item.self_ty.to_token_stream().to_string(), ty.to_string());
            let path = &item.trait_.as_ref().expect("a trait").0;
            path.segments.last().expect("a name").ident.to_string()
        }
        _ => panic!("only implementations are expected"),
    };
    items.iter().map(name).collect()
}

/// Returns a typed routine without a defect.
pub(super) fn typed() -> TokenStream {
    quote!(
        pub(crate) fn done(irp: Completing<'_, Stats>) -> Signaled<'_> {
            irp.signal_if_pended()
        }
    )
}

/// Returns a raw routine without a defect.
pub(super) fn raw() -> TokenStream {
    quote!(
        unsafe extern "system" fn done(d: PDEVICE_OBJECT, i: PIRP, c: PVOID) -> NTSTATUS {
            0
        }
    )
}
