//! `expand` outside of the compiler: what it reports, what it declares, and that any input gives an expansion.

use proc_macro2::{TokenStream, TokenTree};
use quote::quote;
use syn::{Item, LitStr};

use self::fuzz::{reports, with_groups};
use crate::expand::expand;

mod fuzz;

/// The messages of the `compile_error!`s in an expansion.
fn messages(expansion: &TokenStream) -> Vec<String> {
    let mut messages = Vec::new();
    let mut after_name = false;
    for token in expansion.clone() {
        match token {
            TokenTree::Ident(ident) => after_name = ident == "compile_error",
            TokenTree::Group(group) if after_name => {
                let message: LitStr = syn::parse2(group.stream()).expect("a literal");
                messages.push(message.value());
                after_name = false;
            }
            _ => {}
        }
    }
    messages
}

/// Expands, requires that items result, and returns the messages.
fn errors(args: TokenStream, item: TokenStream) -> Vec<String> {
    let expansion = expand(args, item);
    syn::parse2::<syn::File>(expansion.clone())
        .unwrap_or_else(|error| panic!("{error}: {expansion}"));
    messages(&expansion)
}

/// Expands and requires that each message begins as told, in this order.
fn assert_errors(args: TokenStream, item: TokenStream, expected: &[&str]) {
    let errors = errors(args, item);
    assert_eq!(errors.len(), expected.len(), "{errors:#?}");
    for (error, expected) in errors.iter().zip(expected) {
        assert!(error.starts_with(expected), "{error}\n  is not\n{expected}");
    }
}

/// `item`, where the group after each `frag!` is one without delimiters.
fn with_fragments(item: &str) -> TokenStream {
    with_groups(item.parse().expect("tokens"))
        .into_iter()
        .collect()
}

/// Requires one error, which begins as told, at the place that `«…»` marks in `item`. Returns its message.
fn assert_error_at(args: TokenStream, item: &str, expected: &str) -> String {
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

/// What an expansion declares at its top level, without the reported errors.
fn items(expansion: TokenStream) -> Vec<Item> {
    let file: syn::File = syn::parse2(expansion).expect("items");
    file.items
        .into_iter()
        .filter(|item| !matches!(item, Item::Macro(_)))
        .collect()
}

fn typed() -> TokenStream {
    quote!(
        pub(crate) fn done(irp: Completing<'_, Stats>) -> Signaled<'_> {
            irp.signal_if_pended()
        }
    )
}

fn raw() -> TokenStream {
    quote!(
        unsafe extern "system" fn done(d: PDEVICE_OBJECT, i: PIRP, c: PVOID) -> NTSTATUS {
            0
        }
    )
}

#[test]
fn a_typed_routine_is_a_unit_struct_with_its_traits() {
    let items = items(expand(quote!(), typed()));
    let Item::Struct(value) = &items[0] else {
        panic!("no struct first")
    };
    assert_eq!(value.ident, "done");
    assert!(matches!(value.vis, syn::Visibility::Restricted(_)));
    assert!(value.fields.is_empty());
    let traits: Vec<String> = items[1..]
        .iter()
        .map(|item| match item {
            Item::Impl(item) => item
                .trait_
                .as_ref()
                .expect("a trait")
                .0
                .segments
                .last()
                .expect("a name")
                .ident
                .to_string(),
            _ => panic!("only implementations follow"),
        })
        .collect();
    assert_eq!(traits, ["Copy", "Clone", "Debug", "CompletionRoutine"]);
}

#[test]
fn the_expansion_of_a_typed_routine_has_no_unsafe_code() {
    let expansion = expand(quote!(), typed()).to_string();
    assert!(!expansion.contains("unsafe"), "{expansion}");
}

#[test]
fn a_raw_routine_stays_what_it_is() {
    let items = items(expand(quote!(raw), raw()));
    let Item::Fn(function) = &items[0] else {
        panic!("no function first")
    };
    assert_eq!(quote!(#function).to_string(), raw().to_string());
    assert_eq!(
        items.len(),
        5,
        "three parameters and the result are checked"
    );
}

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
    let items = items(expansion);
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
fn all_defects_are_reported_at_once() {
    assert_errors(
        quote!(),
        quote!(
            #[unsafe(no_mangle)]
            #[link_section = "PAGE"]
            const async unsafe extern "C" fn done<T, const N: usize>(irp: T, n: [u8; N], _: ...)
            where
                T: Send,
            {
            }
        ),
        &[
            "a typed completion routine has no symbol",
            "the section `PAGE` is pageable",
            "a completion routine is called by the I/O manager, never at compile time",
            "a completion routine cannot be `async`",
            "a completion routine cannot be variadic",
            "a typed completion routine is a safe function",
            "a typed completion routine has the Rust ABI",
            "a completion routine has no type parameter",
            "a completion routine has no const parameter",
            "a completion routine has no `where` clause",
            "a completion routine takes exactly one parameter",
            "IoAllocateIrpSignalEventInCompletion2: a completion routine returns `Signaled<'_>`",
        ],
    );
    assert_errors(
        quote!(raw),
        quote!(
            #[link_section = "init"]
            async extern "fastcall" fn done<'a, T>(irp: &'a T) {}
        ),
        &[
            "the section `init` is discarded",
            "a completion routine cannot be `async`",
            "an IO_COMPLETION_ROUTINE trusts the pointers",
            "an IO_COMPLETION_ROUTINE is called with the convention of the kernel",
            "a completion routine has no type parameter",
            "an IO_COMPLETION_ROUTINE has no lifetime parameter",
            "an IO_COMPLETION_ROUTINE has exactly three parameters",
            "an IO_COMPLETION_ROUTINE returns NTSTATUS",
        ],
    );
}

#[test]
fn a_faulty_routine_is_still_declared() {
    for item in [
        quote!(
            fn done() {}
        ),
        quote!(
            fn done<T>(irp: Completing<'_, T>, n: u8) -> Signaled<'_> {}
        ),
        quote!(
            async fn done(irp: Completing<'static, Stats>) -> ! {}
        ),
        quote!(
            fn done(irp: Completing<'irp, &Stats>) -> Signaled<'static> {}
        ),
    ] {
        let items = items(expand(quote!(), item));
        assert!(matches!(&items[0], Item::Struct(item) if item.ident == "done"));
        assert_eq!(items.len(), 5);
    }
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
                self::errors(quote!(), quote!(#form #typed)).len(),
                errors,
                "{form}"
            );
            assert_eq!(
                self::errors(quote!(raw), quote!(#form #raw)).len(),
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
fn arguments() {
    const UNKNOWN: &str = "`#[completion_routine]` knows the arguments";
    for (args, expected) in [
        (quote!(), &[][..]),
        (quote!(crate = ::a::b,), &[]),
        (quote!(crate = crate), &[]),
        (quote!(crate), &["the argument `crate` needs a path"]),
        (quote!(crate = "a"), &["the argument `crate` needs a path"]),
        (
            quote!(crate = a, crate = a),
            &["the argument `crate` is given twice"],
        ),
        (quote!(bindings = a), &["`bindings` belongs to"]),
        (quote!(wrong), &[UNKNOWN]),
        (quote!(wrong(1, 2), 5, ,), &[UNKNOWN, UNKNOWN, UNKNOWN]),
    ] {
        assert_errors(args, typed(), expected);
    }
    for (args, expected) in [
        (quote!(raw, bindings = a::b, crate = c), &[][..]),
        (quote!(raw, raw), &["the argument `raw` is given twice"]),
        (quote!(raw = 1), &["the argument `raw` takes no value"]),
        (quote!(Raw), &[UNKNOWN]),
    ] {
        assert_errors(args, raw(), expected);
    }
}

#[test]
fn the_library_and_the_bindings_may_be_elsewhere() {
    let expansion = expand(quote!(crate = a::irp), typed()).to_string();
    assert!(expansion.contains(&quote!(a::irp::CompletionRoutine).to_string()));
    assert!(!expansion.contains(":: wdm_irp"), "{expansion}");
    let expansion = expand(quote!(raw, crate = a::irp, bindings = b), raw()).to_string();
    assert!(expansion.contains(&quote!(a::irp::__macro::IrpParameter<b::PIRP>).to_string()));
    assert!(!expansion.contains("wdm_irp"), "{expansion}");
}

#[test]
fn other_items_stay_what_they_are() {
    for item in [
        quote!(
            struct A;
        ),
        quote!(
            impl A {}
        ),
        quote!(
            impl A for fn() {}
        ),
        quote!(
            const A: u8 = 0;
        ),
        quote!(
            extern "C" {}
        ),
        quote!(
            pub(crate) mod a {}
        ),
    ] {
        let expansion = expand(quote!(), item.clone());
        assert_eq!(messages(&expansion).len(), 1);
        assert!(
            messages(&expansion)[0].starts_with("`#[completion_routine]` belongs on a function")
        );
        assert!(expansion.to_string().ends_with(&item.to_string()));
    }
}

#[test]
fn associated_functions_stay_what_they_are() {
    for (item, expected) in [
        (
            quote!(
                fn done(&self, irp: Completing<'_, Stats>) -> Signaled<'_> {}
            ),
            "a completion routine is a free function without `self`",
        ),
        (
            quote!(
                fn done(irp: Completing<'_, Stats>) -> Signaled<'_>;
            ),
            "a completion routine needs a body",
        ),
    ] {
        let expansion = expand(quote!(), item.clone());
        assert!(messages(&expansion)[0].starts_with(expected));
        assert!(expansion.to_string().ends_with(&item.to_string()));
    }
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

#[test]
fn a_syntax_error_in_a_function_is_reported_where_it_is() {
    for qualifiers in [
        "",
        "pub(crate)",
        "const",
        "async",
        "unsafe",
        "extern",
        "extern \"C\"",
        "const async unsafe extern \"C\"",
    ] {
        for args in [quote!(), quote!(raw)] {
            assert_error_at(
                args,
                &format!("{qualifiers} fn «2nd»(irp: Completing<'_, Stats>) -> Signaled<'_> {{}}"),
                "expected identifier",
            );
        }
    }
}

/// A check outside of the function would report a second time that it must not be generic.
#[test]
fn types_with_parameters_in_them_are_not_checked() {
    for (generics, ty, checks) in [
        ("", "*mut T", 4),
        ("<T>", "*mut U", 4),
        ("<T>", "*mut T", 3),
        ("<T>", "fn(&[r#T; 2])", 3),
        ("<r#try>", "*mut r#try", 3),
        ("<const N: usize>", "*mut [u8; N]", 3),
        ("", "impl Copy", 3),
        ("", "*mut dyn Iterator<Item = impl Copy>", 3),
    ] {
        let item = format!(
            "unsafe extern \"system\" fn done{generics}(d: D, i: I, c: {ty}) -> NTSTATUS {{ 0 }}"
        );
        let items = items(expand(quote!(raw), with_fragments(&item)));
        let found = items
            .iter()
            .filter(|item| matches!(item, Item::Const(_)))
            .count();
        assert_eq!(found, checks, "{item}");
    }
}

#[test]
fn a_routine_has_one_lifetime() {
    assert_error_at(
        quote!(),
        "fn done<'irp, «'a»>(irp: Completing<'irp, &'a A>) -> Signaled<'irp> {}",
        "a completion routine has one lifetime, that of the IRP",
    );
    for item in [
        "fn done(irp: Completing<«'irp», A>) -> Signaled<'irp> {}",
        "fn done(irp: Completing<'_, A>) -> Signaled<«'irp»> {}",
        "fn done(irp: Completing<'_, for<'a> fn(&'a A, &«'irp» A)>) -> Signaled<'_> {}",
    ] {
        assert_error_at(
            quote!(),
            item,
            "a completion routine does not choose the lifetime of its IRP: write `'_`, or declare `'irp` as \
             `fn done<'irp>`",
        );
    }
    // Undeclared in the expansion too, the compiler would report it again.
    let expansion = expand(
        quote!(),
        with_fragments("fn done(irp: Completing<'irp, A>) -> Signaled<'irp> {}"),
    );
    let declared = quote!(fn __done<'irp>).to_string();
    assert!(expansion.to_string().contains(&declared), "{expansion}");
}

#[test]
fn the_irp_does_not_live_for_ever() {
    for ty in [
        "Completing<«'static», A>",
        "wdm_irp::Completing<«'static», A>",
        "(Completing<«'static», A>)",
        "frag!(Completing<«'static», A>)",
    ] {
        assert_error_at(
            quote!(),
            &format!("fn done(irp: {ty}) -> Signaled<'_> {{}}"),
            "a completion routine does not choose the lifetime of its IRP, which ends with the routine",
        );
    }
    for ty in [
        // The compiler gives both tokens of a lifetime the place of the whole.
        "Signaled<'«static»>",
        "Result<Signaled<'_>, Signaled<'«static»>>",
        "(frag!(Signaled<'«static»>))",
    ] {
        assert_error_at(
            quote!(),
            &format!("fn done(irp: Completing<'_, A>) -> {ty} {{}}"),
            "the proof of a completion routine belongs to the IRP it was called with",
        );
    }
}

#[test]
fn the_context_holds_no_borrow() {
    for ty in [
        "Completing<'irp, «&»A>",
        "Completing<'irp, «&»mut A>",
        "Completing<'irp, &«'irp» A>",
        "Completing<'irp, &«'_» A>",
        "Completing<'irp, &'static «&»A>",
        "Completing<'irp, [«&»A]>",
        "Completing<'irp, [«&»A; 2]>",
        "Completing<'irp, («&»A)>",
        "Completing<'irp, (u8, «&»A)>",
        "Completing<'irp, Option<Box<«&»A>>>",
        "Completing<'irp, a::B<«'_»>>",
        "Completing<'irp, B<'static, «'irp»>>",
        "Alias<'irp, «'_»>",
        "Alias<'irp, 'static, «'irp»>",
        "(Completing<'irp, «&»A>)",
        "frag!(Completing<'irp, frag!(«&»A)>)",
    ] {
        assert_error_at(
            quote!(),
            &format!("fn done<'irp>(irp: {ty}) -> Signaled<'irp> {{}}"),
            "the context of a completion routine holds no borrow",
        );
    }
    for ty in [
        "Completing<'irp, &'static A>",
        "Completing<'irp, B<'static>>",
        "Completing<'irp, fn(&A)>",
        "Completing<'irp, *const A>",
        "Alias<'irp, 'static>",
        "Alias<'static, 'irp>",
    ] {
        let item = format!("fn done<'irp>(irp: {ty}) -> Signaled<'irp> {{}}");
        assert_errors(quote!(), with_fragments(&item), &[]);
    }
}

#[test]
fn three_parameters_may_be_meant_as_those_of_a_raw_routine() {
    for (item, is_raw) in [
        ("fn done(irp: A, «b: B») -> Signaled<'_> {}", false),
        ("fn done(d: D, «i: I, c: C») -> Signaled<'_> {}", true),
        (
            "fn done(a: A, «b: B, c: C, d: D») -> Signaled<'_> {}",
            false,
        ),
    ] {
        let message = assert_error_at(
            quote!(),
            item,
            "a completion routine takes exactly one parameter, the IRP it completes",
        );
        let hint = "or use `#[completion_routine(raw)]`";
        assert_eq!(message.contains(hint), is_raw, "{item}: {message}");
    }
}

#[test]
fn the_body_of_a_faulty_routine_is_kept_where_it_adds_no_errors() {
    let expand = |item: &str| expand(quote!(), with_fragments(item)).to_string();
    let calls = quote!(RoutineReturn::signaled).to_string();
    let sound = expand("fn done(irp: Completing<'_, A>) -> Signaled<'_> { body() }");
    assert!(sound.contains("body") && sound.contains(&calls), "{sound}");

    for (item, is_kept) in [
        (
            "async fn done(irp: Completing<'_, A>) -> Signaled<'_> { body() }",
            true,
        ),
        (
            "fn done<'irp, T>(irp: Completing<'irp, T>) -> frag!(Signaled<'irp>) { body() }",
            true,
        ),
        ("fn done() -> Signaled<'_> { body() }", false),
        (
            "fn done(irp: Completing<'_, A>, n: u8) -> Signaled<'_> { body() }",
            false,
        ),
        (
            "fn done(irp: Completing<'_, A>, ...) -> Signaled<'_> { body() }",
            false,
        ),
        (
            "fn done<'irp, 'a>(irp: Completing<'irp, A>) -> Signaled<'irp> { body() }",
            false,
        ),
        (
            "fn done(irp: Completing<'static, A>) -> Signaled<'_> { body() }",
            false,
        ),
        (
            "fn done(irp: Completing<'_, &A>) -> Signaled<'_> { body() }",
            false,
        ),
        (
            "fn done(irp: Completing<'_, A>) -> Signaled<'static> { body() }",
            false,
        ),
        ("fn done(irp: Completing<'_, A>) -> ! { body() }", false),
        ("fn done(irp: Completing<'_, A>) { body() }", false),
    ] {
        let expansion = expand(item);
        assert!(expansion.contains("fn __done"), "{item}: {expansion}");
        assert_eq!(expansion.contains("body"), is_kept, "{item}: {expansion}");
        assert!(!expansion.contains(&calls), "{item}: {expansion}");
    }
}

/// Takes every token away, and puts every token in every place, from well-formed input.
#[test]
fn any_input_gives_an_expansion() {
    let words = "fn ; , < > ' \" ! = :: -> ... impl for unsafe raw crate ( ) { } [ ] #";
    let input = "#[cfg_attr(a, unsafe(link_section = \"PAGE\"))] pub unsafe extern \"C\" fn done<'a: 'b, T: A, const N: u8>\
                 (mut irp: Completing<'a, &T>, &self, _: ...) -> Signaled<'static> where T: 'a { loop {} }";
    let tokens: Vec<&str> = input
        .split_inclusive([' ', '<', '>', '(', ')', ',', '#', '['])
        .collect();
    let mut count = 0;
    let mut expand_text = |text: &str| {
        if let Ok(tokens) = text.parse::<TokenStream>() {
            count += 1;
            for args in [quote!(), quote!(raw)] {
                assert!(!expand(args, tokens.clone()).is_empty() || tokens.is_empty());
            }
            drop(expand(tokens, typed()));
        }
    };
    for index in 0..tokens.len() {
        let (before, after) = (tokens[..index].concat(), tokens[index + 1..].concat());
        expand_text(&format!("{before} {after}"));
        expand_text(&before);
        expand_text(&after);
        for word in words.split(' ') {
            expand_text(&format!("{before} {word} {after}"));
            expand_text(&format!("{before} {word} {} {after}", tokens[index]));
        }
    }
    assert!(count > 300, "{count} inputs were token streams");
}
