//! Gives each token of an input a place of its own.

use std::ops::RangeInclusive;

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};

use crate::tests::tokens::Tokens;

/// Numbers the line that no token of an input is on.
pub(super) const NOWHERE: usize = 1;

/// Holds what the attribute is given, each token on a line of its own.
pub(super) struct Input {
    pub(super) args: TokenStream,
    pub(super) args_lines: RangeInclusive<usize>,
    pub(super) item: TokenStream,
    pub(super) item_lines: RangeInclusive<usize>,
}

impl Input {
    /// Puts the tokens of `args` and then those of `item` at `places`.
    pub(super) fn new(places: &[Span], args: Tokens, item: Tokens) -> Self {
        let mut next = 0;
        let args = placed(args, places, &mut next);
        let between = next;
        let item = placed(item, places, &mut next);
        Self {
            args,
            args_lines: NOWHERE + 1..=NOWHERE + between,
            item,
            item_lines: NOWHERE + between + 1..=NOWHERE + next,
        }
    }
}

/// Puts `tokens` at the places from `next` on, without empty groups that have no delimiters.
///
/// In the compiler such a group stands only for an empty visibility.
fn placed(
    tokens: impl IntoIterator<Item = TokenTree>,
    places: &[Span],
    next: &mut usize,
) -> TokenStream {
    let take = |next: &mut usize| {
        let place = places[*next];
        *next += 1;
        place
    };
    tokens
        .into_iter()
        .filter(|token| !is_nothing(token))
        .map(|mut token| {
            let place = take(next);
            if let TokenTree::Group(group) = &mut token {
                *group = Group::new(group.delimiter(), placed(group.stream(), places, next));
                let end = take(next);
                group.set_span(place.join(end).expect("one file"));
            } else {
                token.set_span(place);
            }
            token
        })
        .collect()
}

/// Returns whether `token` is a group without delimiters and with nothing in it.
fn is_nothing(token: &TokenTree) -> bool {
    match token {
        TokenTree::Group(group) => {
            group.delimiter() == Delimiter::None
                && group.stream().into_iter().all(|token| is_nothing(&token))
        }
        _ => false,
    }
}
