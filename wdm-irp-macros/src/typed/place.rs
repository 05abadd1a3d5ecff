//! Places tokens where an error message about them is to point.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::quote;

/// Says where an error message is to point: from the beginning of `first` to the end of `last`.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) first: Span,
    pub(super) last: Span,
}

impl Place {
    /// Returns the place that `tokens` take.
    pub(super) fn of(tokens: &TokenStream) -> Self {
        let mut spans = tokens.clone().into_iter().map(|token| match token {
            TokenTree::Group(group) => (group.span_open(), group.span_close()),
            token => (token.span(), token.span()),
        });
        let Some((first, last)) = spans.next() else {
            return Self {
                first: Span::call_site(),
                last: Span::call_site(),
            };
        };
        Self {
            first,
            last: spans.last().map_or(last, |(_, last)| last),
        }
    }

    /// Spreads `tokens` over the place, the first at its beginning and the others at its end.
    pub(super) fn cover(self, tokens: TokenStream) -> TokenStream {
        let mut tokens = tokens.into_iter();
        let first: TokenStream = tokens.next().into_iter().collect();
        let (first, others) = (self.start(first), self.end(tokens.collect()));
        quote!(#first #others)
    }

    /// Puts all of `tokens` at the beginning of the place.
    pub(super) fn start(self, tokens: TokenStream) -> TokenStream {
        located(tokens, self.first)
    }

    /// Puts all of `tokens` at the end of the place.
    pub(super) fn end(self, tokens: TokenStream) -> TokenStream {
        located(tokens, self.last)
    }
}

/// Moves `tokens` to `span`, where names in them still mean what they meant before.
fn located(tokens: TokenStream, span: Span) -> TokenStream {
    tokens
        .into_iter()
        .map(|mut token| {
            token.set_span(span.resolved_at(token.span()));
            token
        })
        .collect()
}
