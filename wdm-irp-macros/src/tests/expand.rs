//! Tests that every defect is reported at once, and that every input has an expansion.

use proc_macro2::TokenStream;
use quote::quote;

use super::reports::{assert_errors, typed};
use crate::expand::expand;

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

/// Removes every token of well-formed input, and inserts every word at every token.
#[test]
fn any_input_gives_an_expansion() {
    let words = "fn ; , < > ' \" ! = :: -> ... impl for unsafe raw crate ( ) { } [ ] #";
    let input = "#[cfg_attr(a, unsafe(link_section = \"PAGE\"))] pub unsafe extern \"C\" fn \
                 done<'a: 'b, T: A, const N: u8>(mut irp: Completing<'a, &T>, &self, _: ...) -> \
                 Signaled<'static> where T: 'a { loop {} }";
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
