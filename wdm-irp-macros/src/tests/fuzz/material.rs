//! Parses the texts, and makes tokens and functions of them.

use proc_macro2::{Delimiter, Ident, Punct, Spacing, Span, TokenTree};

use super::random::Random;
use super::texts::{
    ATTRIBUTES, DELIMITERS, FRAGMENTS, LITERALS, PARTS, PUNCTUATION, RAW, RAW_ARGS, TYPED,
    TYPED_ARGS, TYPES, WORDS,
};
use crate::tests::tokens::{Tokens, group, parse};

/// Holds what inputs are made of.
pub(super) struct Material {
    pub(super) typed: Vec<Tokens>,
    pub(super) raw: Vec<Tokens>,
    pub(super) typed_args: Vec<Tokens>,
    pub(super) raw_args: Vec<Tokens>,
    fragments: Vec<Tokens>,
    attributes: Vec<Tokens>,
    parts: [Vec<Tokens>; PARTS.len()],
    types: Vec<Tokens>,
    words: Tokens,
    literals: Tokens,
    /// The places for the tokens of an input, each on a line of its own after `NOWHERE`.
    pub(super) places: Vec<Span>,
}

impl Material {
    /// Parses the texts.
    pub(super) fn new() -> Self {
        let parse_lines = |text: &str| text.lines().map(parse).collect();
        let parse_all = |texts: &[&str]| texts.iter().map(|text| parse(text)).collect();
        Self {
            typed: parse_all(&TYPED),
            raw: parse_all(&RAW),
            typed_args: parse_all(&TYPED_ARGS),
            raw_args: parse_all(&RAW_ARGS),
            fragments: parse_lines(FRAGMENTS.trim()),
            attributes: parse_lines(ATTRIBUTES.trim()),
            parts: PARTS.map(parse_lines),
            types: parse_lines(TYPES.trim()),
            words: parse(WORDS),
            literals: parse(LITERALS),
            places: parse(&"\nx".repeat(1 << 14))
                .iter()
                .map(TokenTree::span)
                .collect(),
        }
    }

    /// Returns a token, or a fragment in place of one.
    pub(super) fn token(&self, random: &mut Random) -> Tokens {
        match random.below(12) {
            0..4 => vec![random.choose(&self.words).clone()],
            4 | 5 => vec![random.choose(&self.literals).clone()],
            6..9 => {
                let spacing = *random.choose(&[Spacing::Joint, Spacing::Alone]);
                let punct = char::from(*random.choose(PUNCTUATION));
                vec![Punct::new(punct, spacing).into()]
            }
            9 if random.once_in(2) => vec![
                // This is a lifetime, also such a one as `'r#fn`.
                Punct::new('\'', Spacing::Joint).into(),
                random.choose(&self.words).clone(),
            ],
            10 if random.once_in(3) => random.choose(&self.attributes).clone(),
            _ => random.choose(&self.fragments).clone(),
        }
    }

    /// Returns any tokens, in groups that are at most `depth` deep.
    pub(super) fn soup(&self, depth: usize, random: &mut Random) -> Tokens {
        let mut tokens = Tokens::new();
        for _ in 0..random.below(10) {
            if depth > 0 && random.once_in(5) {
                tokens.push(group(
                    *random.choose(&DELIMITERS),
                    self.soup(depth - 1, random),
                ));
            } else {
                tokens.extend(self.token(random));
            }
        }
        tokens
    }

    /// Returns what `syn` takes for a function, be it a routine or not.
    pub(super) fn function(&self, random: &mut Random) -> Tokens {
        let mut tokens = Tokens::new();
        for _ in 0..random.below(4).saturating_sub(1) {
            let attribute = random.choose(&self.attributes).clone();
            tokens.extend(with_fragments(attribute, random));
        }
        for part in &self.parts {
            tokens.extend(self.filled(random.choose(part), 3, random));
        }
        if random.once_in(16) {
            tokens.push(Punct::new(';', Spacing::Alone).into());
            return tokens;
        }
        let block = group(Delimiter::Brace, Tokens::new());
        tokens.push(if random.once_in(4) {
            group(Delimiter::None, vec![block])
        } else {
            block
        });
        tokens
    }

    /// Puts lifetimes and types in place of `L` and `X` in `form`.
    fn filled(&self, form: &Tokens, depth: usize, random: &mut Random) -> Tokens {
        let mut tokens = Tokens::new();
        for token in form {
            match token {
                TokenTree::Ident(ident) if ident == "L" => {
                    let name = random.choose(&["_", "_", "a", "a", "b", "irp", "static"]);
                    tokens.push(Ident::new(name, Span::call_site()).into());
                }
                TokenTree::Ident(ident) if ident == "X" => {
                    let types = if depth == 0 {
                        &self.types[..1]
                    } else {
                        &self.types
                    };
                    let ty = self.filled(random.choose(types), depth.saturating_sub(1), random);
                    if random.once_in(4) {
                        tokens.push(group(Delimiter::None, ty));
                    } else {
                        tokens.extend(ty);
                    }
                }
                TokenTree::Group(inner) => {
                    let content: Tokens = inner.stream().into_iter().collect();
                    let content = self.filled(&content, depth, random);
                    tokens.push(group(inner.delimiter(), content));
                }
                token => tokens.push(token.clone()),
            }
        }
        tokens
    }
}

/// Makes some of what is between commas in a group a fragment of a macro.
fn with_fragments(tokens: Tokens, random: &mut Random) -> Tokens {
    tokens
        .into_iter()
        .map(|token| {
            let TokenTree::Group(inner) = token else {
                return token;
            };
            let content: Tokens = inner.stream().into_iter().collect();
            let mut with = Tokens::new();
            for part in content.split_inclusive(
                |token| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ','),
            ) {
                let mut part = with_fragments(part.to_vec(), random);
                let comma = part.pop_if(|token| matches!(token, TokenTree::Punct(_)));
                if random.once_in(4) {
                    part = vec![group(Delimiter::None, part)];
                }
                with.extend(part);
                with.extend(comma);
            }
            group(inner.delimiter(), with)
        })
        .collect()
}
