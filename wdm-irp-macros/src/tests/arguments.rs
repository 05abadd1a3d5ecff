//! Tests the arguments of the attribute.

use quote::quote;

use super::reports::{assert_errors, raw, typed};
use crate::expand::expand;

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
    assert!(expansion.contains(&quote!(a::irp::routine::CompletionRoutine).to_string()));
    assert!(!expansion.contains(":: wdm_irp"), "{expansion}");
    let expansion = expand(quote!(raw, crate = a::irp, bindings = b), raw()).to_string();
    assert!(expansion.contains(&quote!(a::irp::__macro::IrpParameter<b::PIRP>).to_string()));
    assert!(!expansion.contains("wdm_irp"), "{expansion}");
}
