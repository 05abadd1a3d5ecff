//! Tests raw routines.

use quote::quote;
use syn::Item;

use super::reports::{items, raw};
use super::tokens::with_fragments;
use crate::expand::expand;

#[test]
fn a_raw_routine_stays_what_it_is() {
    let items = items(&expand(quote!(raw), raw()));
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

/// Checks stand outside of the function, where a type parameter would be reported a second time.
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
        let items = items(&expand(quote!(raw), with_fragments(&item)));
        let found = items
            .iter()
            .filter(|item| matches!(item, Item::Const(_)))
            .count();
        assert_eq!(found, checks, "{item}");
    }
}
