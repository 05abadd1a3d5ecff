//! Tests what is no function, or not a free one.

use quote::quote;

use super::reports::{assert_error_at, messages};
use crate::expand::expand;

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
