//! Tests what generated input found.

use proc_macro2::TokenStream;
use quote::ToTokens as _;
use syn::Item;

use super::input::Input;
use super::judge::check;
use super::material::Material;
use crate::expand::expand;
use crate::tests::reports::{self, messages, reports};
use crate::tests::tokens::{Tokens, parse, text, with_fragments, with_groups};

/// Judges the input, and requires its messages to be `expected`.
///
/// A message is given by how it begins and by the token of `item` that it is about: the number of
/// tokens before it, where what is in a group and the end of the group count as well.
fn assert_found(args: &str, item: &str, expected: &[(&str, usize)]) {
    let material = Material::new();
    let item = with_groups(item.parse().expect("tokens"));
    let input = Input::new(&material.places, parse(args), item);
    check(&input, "a finding");
    let reports = reports(&expand(input.args.clone(), input.item.clone()));
    let first = *input.item_lines.start();
    assert_eq!(reports.len(), expected.len());
    for (report, (beginning, token)) in reports.iter().zip(expected) {
        assert!(report.begins_with(&[beginning]), "{}", report.message);
        assert_eq!(report.start.line, first + token, "{}", report.message);
    }
}

#[test]
fn the_body_may_be_a_fragment() {
    assert_found(
        "",
        "fn done(irp: Completing<'_, A>) -> Signaled<'_> frag!({ loop {} })",
        &[],
    );
    assert_found(
        "raw",
        "unsafe extern \"C\" fn done(d: D, i: I, c: C) -> NTSTATUS frag!(frag!({ 0 }))",
        &[],
    );
}

#[test]
fn what_is_in_other_delimiters_is_no_body() {
    for item in ["fn done() [ ]", "fn done() ( )", "fn done() frag!({ } ;)"] {
        assert_found("", item, &[("expected curly braces", 4)]);
    }
}

#[test]
fn attributes_of_nothing_are_the_place_of_the_error() {
    let expected = "`#[completion_routine]` belongs on a function";
    assert_found("", "#[cfg(a)]", &[(expected, 0)]);
    assert_found("", "pub(crate)", &[(expected, 0)]);
}

#[test]
fn an_empty_where_clause_has_a_place() {
    assert_found(
        "raw",
        "unsafe extern \"C\" fn done(d: D, i: I, c: C) -> NTSTATUS where { 0 }",
        &[("a completion routine has no `where` clause", 21)],
    );
}

#[test]
fn attributes_may_be_fragments() {
    let function = "fn done(irp: Completing<'_, A>) -> Signaled<'_> { loop {} }";
    for attribute in [
        "#[cfg_attr(a, frag!(unsafe(link_section = \"PAGE\")))]",
        "#[cfg_attr(a, unsafe(frag!(link_section = \"PAGE\")))]",
        "#[frag!(cfg_attr(a, frag!(frag!(link_section) = frag!(\"PAGE\"))))]",
    ] {
        let item = format!("{attribute} {function}");
        let material = Material::new();
        let input = Input::new(
            &material.places,
            Tokens::new(),
            with_groups(item.parse().expect("tokens")),
        );
        check(&input, "a finding");
        let messages = messages(&expand(input.args, input.item));
        assert!(matches!(&messages[..], [message] if message.starts_with("the section `PAGE`")));
    }
}

#[test]
fn expected_lints_may_be_fragments() {
    let item = "#[expect(frag!(dead_code), unused_mut)] \
                fn done(irp: Completing<'_, A>) -> Signaled<'_> { loop {} }";
    let expansion = expand(TokenStream::new(), with_fragments(item));
    let Item::Struct(value) = &reports::items(&expansion)[0] else {
        panic!("no struct first")
    };
    assert_eq!(
        text(&value.attrs[0].to_token_stream()),
        "# [expect (« dead_code » ) ] "
    );
}

#[test]
fn a_result_that_never_is_may_be_a_fragment() {
    assert_found(
        "",
        "fn done(irp: Completing<'_, A>) -> frag!(!) { loop {} }",
        &[("IoAllocateIrpSignalEventInCompletion2", 16)],
    );
}

#[test]
fn a_raw_routine_does_not_hide_its_result() {
    assert_found(
        "raw",
        "unsafe extern \"C\" fn done(d: D, i: I, c: C) -> impl Copy { 0 }",
        &[("an IO_COMPLETION_ROUTINE returns NTSTATUS", 20)],
    );
}

#[test]
fn a_raw_parameter_may_end_with_a_plus() {
    assert_found(
        "raw",
        "unsafe extern \"C\" fn done(d: dyn D +, i: I, c: C) -> NTSTATUS { 0 }",
        &[],
    );
}
