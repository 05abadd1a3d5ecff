//! Changes inputs.

use proc_macro2::{Delimiter, Group, Punct, Spacing, TokenTree};

use super::material::Material;
use super::random::Random;
use super::texts::DELIMITERS;
use crate::tests::tokens::{Tokens, group};

impl Material {
    /// Changes `tokens` in one place, at any depth.
    pub(super) fn mutate(&self, tokens: &mut Tokens, random: &mut Random) {
        let groups: Vec<usize> = (0..tokens.len())
            .filter(|&index| matches!(tokens[index], TokenTree::Group(_)))
            .collect();
        if !groups.is_empty() && !random.once_in(3) {
            let TokenTree::Group(inner) = &mut tokens[*random.choose(&groups)] else {
                unreachable!("the indices are those of groups")
            };
            let mut content: Tokens = inner.stream().into_iter().collect();
            let mut delimiter = inner.delimiter();
            if random.once_in(12) {
                delimiter = *random.choose(&DELIMITERS);
            } else {
                self.mutate(&mut content, random);
            }
            *inner = Group::new(delimiter, content.into_iter().collect());
            return;
        }

        let range = random.range(tokens.len());
        let place = range.start;
        match random.below(11) {
            0 | 1 => drop(tokens.drain(range)),
            2 => {
                let copy = tokens[range].to_vec();
                tokens.splice(place..place, copy);
            }
            3 => {
                let moved: Tokens = tokens.drain(range).collect();
                let place = random.below(tokens.len() + 1);
                tokens.splice(place..place, moved);
            }
            4 if !tokens.is_empty() => {
                let (a, b) = (random.below(tokens.len()), random.below(tokens.len()));
                tokens.swap(a, b);
            }
            5 => {
                let token = self.token(random);
                tokens.splice(range, token);
            }
            6 => {
                // What a fragment of `macro_rules!` looks like, or a wrong delimiter.
                let delimiter = if random.once_in(3) {
                    *random.choose(&DELIMITERS)
                } else {
                    Delimiter::None
                };
                let content = tokens[range.clone()].to_vec();
                tokens.splice(range, [group(delimiter, content)]);
            }
            7 => {
                if let Some(TokenTree::Group(group)) = tokens.get(place) {
                    let content = group.stream();
                    tokens.splice(place..=place, content);
                }
            }
            8 => {
                let sources = if random.once_in(2) {
                    &self.typed
                } else {
                    &self.raw
                };
                let source = random.choose(sources);
                let part = source[random.range(source.len())].to_vec();
                tokens.splice(range, part);
            }
            9 => {
                if let Some(TokenTree::Punct(punct)) = tokens.get_mut(place) {
                    let spacing = match punct.spacing() {
                        Spacing::Alone => Spacing::Joint,
                        Spacing::Joint => Spacing::Alone,
                    };
                    *punct = Punct::new(punct.as_char(), spacing);
                }
            }
            _ => {
                let token = self.token(random);
                tokens.splice(place..place, token);
            }
        }
    }
}
