//! Tests the other attributes of the function.

use quote::quote;
use syn::Item;

use super::reports::{self, assert_error_at, assert_errors, items, raw, typed};
use super::tokens::with_fragments;
use crate::expand::expand;

#[test]
fn attributes_go_where_they_mean_something() {
    let expansion = expand(
        quote!(),
        quote!(
            /// Text.
            #[inline]
            #[allow(clippy::todo)]
            #[expect(missing_docs, unused_variables, reason = "r")]
            #[cfg_attr(a, doc = "more", cold)]
            #[cfg(b)]
            fn done(irp: Completing<'_, Stats>) -> Signaled<'_> {
                irp.signal_if_pended()
            }
        ),
    );
    let items = items(&expansion);
    let attrs = |item: &Item| match item {
        Item::Struct(item) => item.attrs.clone(),
        Item::Impl(item) => item.attrs.clone(),
        _ => Vec::new(),
    };
    let text = |item: &Item| {
        let attrs = attrs(item);
        quote!(#(#attrs)*).to_string()
    };
    assert_eq!(
        text(&items[0]),
        quote!(
            #[doc = r" Text."]
            #[allow(clippy::todo)]
            #[expect(missing_docs, reason = "r")]
            #[cfg_attr(a, doc = "more")]
            #[cfg(b)]
            #[allow(non_camel_case_types)]
        )
        .to_string()
    );
    assert_eq!(
        text(&items[1]),
        quote!(#[cfg(b)] #[automatically_derived]).to_string()
    );
    assert_eq!(
        text(&items[4]),
        quote!(#[allow(clippy::todo)] #[cfg(b)]).to_string()
    );
    let Item::Impl(routine) = &items[4] else {
        panic!("no implementation last")
    };
    let code = quote!(#routine).to_string();
    let on_function =
        quote!(#[inline] #[expect(unused_variables, reason = "r")] #[cfg_attr(a, cold)] fn __done);
    assert!(code.contains(&on_function.to_string()), "{code}");
}

#[test]
fn sections_are_judged_by_their_name() {
    for (section, errors) in [
        ("PAGE", 1),
        ("page$a", 1),
        ("PAGELK", 1),
        ("INIT", 1),
        ("Init$z", 1),
        (".text", 0),
        (".text$PAGE", 0),
        ("NONPAGE", 0),
    ] {
        let (typed, raw) = (typed(), raw());
        for form in [
            quote!(#[link_section = #section]),
            quote!(#[unsafe(link_section = #section)]),
            quote!(#[cfg_attr(windows, cold, unsafe(link_section = #section))]),
            quote!(#[cfg_attr(a, cfg_attr(b, link_section = #section))]),
        ] {
            assert_eq!(
                reports::errors(quote!(), quote!(#form #typed)).len(),
                errors,
                "{form}"
            );
            assert_eq!(
                reports::errors(quote!(raw), quote!(#form #raw)).len(),
                errors,
                "{form}"
            );
        }
    }
    let typed = typed();
    assert_errors(
        quote!(),
        quote!(#[link_section = SECTION] #typed),
        &["the section of a completion routine must be known"],
    );
}

#[test]
fn attributes_that_no_routine_may_have() {
    const TWICE: &str = "`#[completion_routine]` is applied twice";
    const FEATURE: &str = "a completion routine cannot depend on a target feature";
    for (attribute, expected) in [
        ("#[«completion_routine»]", TWICE),
        ("#[«wdm_irp::completion_routine(raw)»]", TWICE),
        ("#[cfg_attr(a, «r#completion_routine»)]", TWICE),
        ("#[«target_feature(enable = \"avx2\")»]", FEATURE),
        (
            "#[cfg_attr(a, cold, «target_feature(enable = \"avx2\")»)]",
            FEATURE,
        ),
    ] {
        let (typed, raw) = (typed(), raw());
        assert_error_at(quote!(), &format!("{attribute} {typed}"), expected);
        assert_error_at(quote!(raw), &format!("{attribute} {raw}"), expected);
    }
}

#[test]
fn attributes_are_not_hidden_within_the_body() {
    const TYPED: &str = "fn done(irp: Completing<'_, Stats>) -> Signaled<'_>";
    const RAW: &str = "unsafe extern \"C\" fn done(d: D, i: I, c: C) -> NTSTATUS";
    for attribute in [
        "«unsafe(link_section = \"PAGE\")»",
        "«target_feature(enable = \"avx2\")»",
        "cfg_attr(a, «no_mangle»)",
        "cfg_attr(a, cold, «unsafe(export_name = \"x\")»)",
    ] {
        for body in [
            format!("{{ #![{attribute}] loop {{}} }}"),
            format!("frag!({{ #![cold] #![{attribute}] }})"),
        ] {
            let expected = "an attribute within a completion routine goes unchecked";
            assert_error_at(quote!(), &format!("{TYPED} {body}"), expected);
            assert_error_at(quote!(raw), &format!("{RAW} {body}"), expected);
        }
    }
    let body = "{ #![allow(unused)] loop {} }";
    for (args, head) in [(quote!(), TYPED), (quote!(raw), RAW)] {
        assert_errors(args, with_fragments(&format!("{head} {body}")), &[]);
    }
}

#[test]
fn parameters_are_not_conditional() {
    for attribute in [
        "#[«cfg(a)»]",
        "#[cfg_attr(a, «cfg(b)»)]",
        "#[cfg_attr(a, «allow(unused)»)]",
    ] {
        for (args, item) in [
            (
                quote!(),
                format!("fn done({attribute} irp: Completing<'_, Stats>) -> Signaled<'_> {{}}"),
            ),
            (
                quote!(raw),
                format!(
                    "unsafe extern \"C\" fn done(d: D, i: I, {attribute} c: C) -> NTSTATUS {{}}"
                ),
            ),
        ] {
            assert_error_at(
                args,
                &item,
                "a completion routine has the same parameters in every configuration",
            );
        }
    }
    assert_errors(
        quote!(),
        quote!(
            fn done(#[allow(unused)] irp: Completing<'_, Stats>) -> Signaled<'_> {}
        ),
        &[],
    );
}
