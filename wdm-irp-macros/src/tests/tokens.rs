//! Writes and prints tokens for the tests.

use proc_macro2::{Delimiter, Group, Spacing, TokenStream, TokenTree};

/// Holds tokens that can be changed one by one.
pub(super) type Tokens = Vec<TokenTree>;

/// Parses `text`, or panics.
pub(super) fn parse(text: &str) -> Tokens {
    let stream: TokenStream = text
        .parse()
        .unwrap_or_else(|error| panic!("{error}: {text}"));
    stream.into_iter().collect()
}

/// Returns a group of `content`.
pub(super) fn group(delimiter: Delimiter, content: Tokens) -> TokenTree {
    Group::new(delimiter, content.into_iter().collect()).into()
}

/// Makes the group after each `frag!` one without delimiters.
///
/// Such a group is what the compiler makes of a fragment of a `macro_rules!` macro.
pub(super) fn with_groups(tokens: TokenStream) -> Tokens {
    let mut with = Tokens::new();
    for token in tokens {
        let TokenTree::Group(inner) = token else {
            with.push(token);
            continue;
        };
        let content = with_groups(inner.stream());
        let is_fragment = matches!(
            &with[..],
            [.., TokenTree::Ident(name), TokenTree::Punct(_)] if name == "frag"
        );
        if is_fragment {
            with.truncate(with.len() - 2);
        }
        let delimiter = if is_fragment {
            Delimiter::None
        } else {
            inner.delimiter()
        };
        let mut group = group(delimiter, content);
        group.set_span(inner.span());
        with.push(group);
    }
    with
}

/// Parses `item`, and makes the group after each `frag!` one without delimiters.
pub(super) fn with_fragments(item: &str) -> TokenStream {
    with_groups(item.parse().expect("tokens"))
        .into_iter()
        .collect()
}

/// Returns the text of `tokens`, where `«…»` are the groups without delimiters.
pub(super) fn text(tokens: &TokenStream) -> String {
    let mut text = String::new();
    for token in tokens.clone() {
        match token {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{ ", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("« ", "»"),
                };
                text.extend([open, &self::text(&group.stream()), close, " "]);
            }
            TokenTree::Punct(punct) => {
                text.push(punct.as_char());
                if punct.spacing() == Spacing::Alone {
                    text.push(' ');
                }
            }
            token => text.extend([&token.to_string(), " "]),
        }
    }
    text
}
