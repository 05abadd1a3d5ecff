//! Tests typed routines.

use quote::quote;
use syn::Item;

use super::reports::{assert_error_at, assert_errors, items, traits, typed};
use super::tokens::with_fragments;
use crate::expand::expand;

#[test]
fn a_typed_routine_is_a_unit_struct_with_its_traits() {
    let items = items(&expand(quote!(), typed()));
    let Item::Struct(value) = &items[0] else {
        panic!("no struct first")
    };
    assert_eq!(value.ident, "done");
    assert!(matches!(value.vis, syn::Visibility::Restricted(_)));
    assert!(value.fields.is_empty());
    assert_eq!(
        traits(&items[1..], &value.ident),
        ["Copy", "Clone", "Debug", "CompletionRoutine"]
    );
}

#[test]
fn the_expansion_of_a_typed_routine_has_no_unsafe_code() {
    let expansion = expand(quote!(), typed()).to_string();
    assert!(!expansion.contains("unsafe"), "{expansion}");
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
        let items = items(&expand(quote!(), item));
        assert!(matches!(&items[0], Item::Struct(item) if item.ident == "done"));
        assert_eq!(items.len(), 5);
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
            "a completion routine does not choose the lifetime of its IRP: write `'_`, or declare \
             `'irp` as `fn done<'irp>`",
        );
    }
    // If the expansion did not declare it either, the compiler would report it again.
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
            "a completion routine does not choose the lifetime of its IRP, which ends with the \
             routine",
        );
    }
    for ty in [
        // The compiler gives both tokens of a lifetime the span of the whole.
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
