//! Generated input: token soup and mutations of valid functions and arguments. Each gives a valid expansion, or errors
//! that are located in the input.
//!
//! `WDM_IRP_FUZZ_INPUTS` is the number of inputs. `WDM_IRP_FUZZ_SEED` is the seed of the first one, each next one has
//! the next seed; a failure prints the seed of its input, which with `WDM_IRP_FUZZ_INPUTS=1` repeats it alone.

use std::ops::RangeInclusive;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use proc_macro2::{
    Delimiter, Group, Ident, LineColumn, Punct, Spacing, Span, TokenStream, TokenTree,
};
use quote::ToTokens as _;
use syn::{Item, LitStr, Signature, Visibility};

use super::messages;
use crate::expand::expand;

/// How many inputs a plain `cargo test` tries.
const INPUTS: u64 = 5000;
const SEED: u64 = 0x5744_4d00_0000_0000;

// --- Generation ---

/// An xorshift generator.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        // The finalizer of SplitMix64, because consecutive seeds must not give similar sequences.
        let mut state = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Self((state ^ (state >> 31)) | 1)
    }

    /// A number below `bound`, which is small.
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits") % bound
    }

    /// True once in `count` times.
    fn once_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn choose<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }

    /// A range within `0..len`, seldom a long one.
    fn range(&mut self, len: usize) -> core::ops::Range<usize> {
        let start = self.below(len + 1);
        let longest = (len - start).min(if self.once_in(4) { len } else { 3 });
        start..start + self.below(longest + 1)
    }
}

/// Typed routines without a defect.
const TYPED: [&str; 14] = [
    "fn done(irp: Completing<'_, Stats>) -> Signaled<'_> { irp.signal_if_pended() }",
    "pub fn r#try(irp: wdm_irp::Completing<'_, ()>) -> wdm_irp::Signaled<'_> { irp.signal_if_pended() }",
    "pub(crate) fn done<'irp>(irp: Completing<'irp, Stats>) -> Signaled<'irp> { irp.signal_if_pended() }",
    "pub(in crate::a) fn done<'a,>(mut irp: Completing<'a, [u8; 4]>,) -> Signaled<'a> { loop {} }",
    "#[doc = \"Text.\"] #[inline(never)] #[must_use] fn done(_: Alias<'_>) -> Proof<'_> { loop {} }",
    "#[cfg(windows)] #[cfg_attr(a, doc = \"more\", cold, cfg_attr(b, inline))] fn done(irp: Completing<'_, A>) -> Signaled<'_> \
     { irp.signal_if_pended() }",
    "#[allow(dead_code, clippy::todo)] #[expect(missing_docs, unused_variables, reason = \"r\")] #[deprecated(note = \"n\")] \
     fn done(irp: Completing<'_, A>) -> Signaled<'_> { todo!() }",
    "#[unsafe(link_section = \".text$x\")] fn done(irp: Completing<'_, A>) -> Signaled<'_> { irp.signal_if_pended() }",
    "fn done(irp: Completing<'_, Option<&'static [u8]>>) -> Signaled<'_> { irp.signal_if_pended() }",
    "fn done(irp: Completing<'_, for<'a> fn(&'a u8, &'static str) -> &'a u8>) -> Signaled<'_> { loop { break } }",
    "fn done(irp: Completing<'_, (fn(u8), *mut c_void, <A as B>::C)>) -> Signaled<'_> { match irp.pending_returned() { \
     Pended(irp) => irp.signal(), Inline(irp) => irp.finish() } }",
    "fn done(Wrapper { irp, .. }: Wrapper<'_, { 1 + 2 }>) -> Result<Signaled<'_>, core::convert::Infallible> { loop {} }",
    "fn done(#[allow(unused)] irp: Completing<'_, Box<dyn Fn(u8) -> u8 + Send>>) -> Signaled<'_> { irp.signal_if_pended() }",
    "#[rustfmt::skip] fn größe(irp: (Completing<'_, A!{ b }>)) -> (Signaled<'_>) { irp.signal_if_pended() }",
];

/// Raw routines without a defect.
const RAW: [&str; 8] = [
    "unsafe extern \"system\" fn done(d: *mut DEVICE_OBJECT, i: *mut IRP, c: *mut c_void) -> NTSTATUS { 0 }",
    "pub unsafe extern \"C\" fn done(_: PDEVICE_OBJECT, mut i: PIRP, _c: PVOID,) -> NTSTATUS { STATUS_SUCCESS }",
    "#[unsafe(no_mangle)] pub unsafe extern fn Done(d: PDEVICE_OBJECT, i: PIRP, c: PVOID) -> wdk_sys::NTSTATUS { 0 }",
    "#[cfg(a)] #[cfg_attr(b, cfg(c), unsafe(link_section = \".text\"))] unsafe extern \"system\" fn done(d: D, i: I, c: C) -> i32 { 0 }",
    "#[unsafe(export_name = \"x\")] pub(super) unsafe extern r\"system\" fn r#fn(d: D, i: I, c: C) -> i32 { unsafe { *c.cast() } }",
    "unsafe extern \"system\" fn done(d: *mut <A as B>::D, i: [I; 1], (a, b): (C, D)) -> <A as B>::E { loop {} }",
    "unsafe extern \"system\" fn done(d: &mut D, i: fn(I) -> I, c: *const [C]) -> ! { loop {} }",
    "#[doc = \"Text.\"] #[inline] unsafe extern \"system\" fn done(#[allow(x)] d: D, i: I, c: !) -> NTSTATUS { 0 }",
];

/// Arguments without a defect.
const TYPED_ARGS: [&str; 4] = ["", "crate = ::a::b,", "crate = crate", "crate = r#try"];
const RAW_ARGS: [&str; 4] = [
    "raw",
    "raw,",
    "raw, bindings = wdk_sys",
    "crate = super::a, raw, bindings = ::a::b::c,",
];

/// What is inserted besides single tokens.
const FRAGMENTS: &str = "
::
->
'a
'irp
fn done
fn done(irp: Completing<'_, Stats>) -> Signaled<'_> { loop {} }
fn done();
(irp: Completing<'_, Stats>)
(d: D, i: I, c: C)
-> Signaled<'_>
-> Signaled<'static>
-> NTSTATUS
-> !
-> impl Sized + 'a
Completing<'static, Stats>
Completing<'irp, &Stats>
Completing<'_, Stats<'_>>
Completing<Stats>
impl Fn(u8) -> u8
dyn A + B
&'a mut self
mut self: Box<Self>
self
, _: ...
args: ...
...
'a: 'b +
'_
'static
<'a, 'b: 'a, T: A + 'a = u8, const N: usize = { 3 }>
<T>
<>
for<'a>
for<'a, 'b: 'a>
where T: A<'b>, [u8; 3]: Sized
where
#![allow(a)]
pub(in a::b)
pub(crate)
crate = ::a::b
crate = \"a\"
bindings = a::b
bindings = a<b>
raw = 1
raw(1)
unsafe extern \"system\"
extern \"fastcall\"
extern r\"C\"
const async unsafe
safe
gen
{ 'a: loop { break 'a } }
{ #![allow(a)] }
{ #![cfg_attr(a, link_section = \"PAGE\")] }
struct A;
impl A { }
trait A { }
";

/// Attributes, most of them a defect or next to one.
const ATTRIBUTES: &str = "
#[link_section = \"PAGE\"]
#[unsafe(link_section = \"INIT$a\")]
#[link_section = concat!(\"a\", \"b\")]
#[link_section]
#[cfg_attr(a, unsafe(link_section = \"page\"), unsafe(no_mangle), target_feature(enable = \"avx\"))]
#[cfg_attr(a, cfg_attr(b, cfg_attr(c, cfg(d))))]
#[cfg_attr(a, expect(dead_code, unused_mut))]
#[cfg_attr]
#[cfg_attr()]
#[cfg_attr(,)]
#[cfg_attr = 1]
#[unsafe(no_mangle)]
#[export_name = \"done\"]
#[target_feature(enable = \"sse2\")]
#[completion_routine]
#[wdm_irp::completion_routine(raw)]
#[expect]
#[expect()]
#[expect(reason = \"r\")]
#[cfg(a)]
#[a::b![c]]
#[a = b!()]
";

/// The parts of a function, in their order. A line may be empty. `L` stands for the name of a lifetime and `X` for a type.
const PARTS: [&str; 9] = [
    "\npub\npub(crate)\npub(in a::b)",
    "\n\n\n\nconst\nasync\nconst async",
    "\n\n\nunsafe",
    "\n\n\n\nextern\nextern \"system\"\nextern \"C\"\nextern r\"fastcall\"",
    "fn done\nfn r#fn\nfn größe",
    "\n\n\n\n<>\n<'L>\n<'L,>\n<'L: 'L>\n<'L, 'L: 'L +>\n<T>\n<const N: usize>\n<'L, T: A<X> + 'L = X, const N: X = { 3 }>",
    "()
(irp: Completing<'L, X>)
(irp: Completing<'L, X>)
(irp: Completing<'L, X>)
(irp: Completing<X>)
(irp: X)
(mut irp: Completing<'L, X>,)
(#[cfg(a)] _: X, #[allow(a)] (b, c): X)
(d: X, i: X, c: X)
(d: X, i: X, c: X,)
(d: *mut D, i: *mut I, c: *mut C)
(&self, irp: X)
(&'L mut self)
(mut self: X, irp: X)
(irp: Completing<'L, X>, ...)
(irp: Completing<'L, X>, args: ...,)",
    "\n-> Signaled<'L>\n-> Signaled<'L>\n-> Signaled<'L>\n-> X\n-> X\n-> NTSTATUS\n-> impl A<X> + use<'L>",
    "\n\n\n\n\n\nwhere\nwhere X: A<X>,\nwhere T: 'L, for<'L> X: A",
];

/// Forms of a type, with further types and lifetimes in them.
const TYPES: &str = "
Stats
()
!
_
T
[u8; N]
A!{ 'L }
a::Stats
Option<X>
Completing<'L, X>
Pair<'L, 'L, X, X>
Signaled<'L>
&X
&'L mut X
&&X
*mut X
*const X
[X]
[X; 1 + N]
[X; { 3 }]
(X)
(X,)
(X, X)
fn(X) -> X
for<'L> fn(&'L X, ...) -> X
unsafe extern \"C\" fn(a: X)
impl Fn(X) -> X
impl A<B = X> + 'L
dyn A<'L, X> + Send
dyn for<'L> A<&'L X>
<X as A<X>>::B
Self::A<X>
::a::B::<'L, X>
A<{ 'L: loop { break 'L } }>
A<-1, 'c', B: C, D = X>
";

const WORDS: &str = "as async await box break const continue crate default do dyn else enum extern false final fn for gen if \
    impl in let loop macro match mod move mut pub raw ref return safe self Self static struct super trait true try type \
    union unsafe use virtual where while yield _ r#fn r#raw r#try r#static a b done irp T N Completing Signaled \
    NTSTATUS bindings link_section cfg cfg_attr completion_routine größe";

const LITERALS: &str = "0 1u8 0xFF_usize 0b1 1.5 1e3f64 2f32 340282366920938463463374607431768211455u128 'c' '\\'' b'x' \
    \"system\" \"C\" \"PAGE\" \"INIT$a\" \"\" \"\\u{1F600}\\n\" r\"raw\" r#\"C\"# b\"bytes\" br#\"\"# c\"c\" cr\"c\"";

const PUNCTUATION: &[u8] = b"=<>!~+-*/%^&|@.,;:#$?'";

const DELIMITERS: [Delimiter; 4] = [
    Delimiter::Parenthesis,
    Delimiter::Brace,
    Delimiter::Bracket,
    Delimiter::None,
];

type Tokens = Vec<TokenTree>;

fn parse(text: &str) -> Tokens {
    let stream: TokenStream = text
        .parse()
        .unwrap_or_else(|error| panic!("{error}: {text}"));
    stream.into_iter().collect()
}

/// What inputs are made of.
struct Material {
    typed: Vec<Tokens>,
    raw: Vec<Tokens>,
    typed_args: Vec<Tokens>,
    raw_args: Vec<Tokens>,
    fragments: Vec<Tokens>,
    attributes: Vec<Tokens>,
    parts: [Vec<Tokens>; PARTS.len()],
    types: Vec<Tokens>,
    words: Tokens,
    literals: Tokens,
    /// The place of the token at each index of an input: each has a line of its own, after `NOWHERE`.
    places: Vec<Span>,
}

impl Material {
    fn new() -> Self {
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

    fn token(&self, random: &mut Random) -> Tokens {
        match random.below(12) {
            0..4 => vec![random.choose(&self.words).clone()],
            4 | 5 => vec![random.choose(&self.literals).clone()],
            6..9 => {
                let spacing = *random.choose(&[Spacing::Joint, Spacing::Alone]);
                let punct = char::from(*random.choose(PUNCTUATION));
                vec![Punct::new(punct, spacing).into()]
            }
            9 if random.once_in(2) => vec![
                // A lifetime, also such a one as `'r#fn`.
                Punct::new('\'', Spacing::Joint).into(),
                random.choose(&self.words).clone(),
            ],
            10 if random.once_in(3) => random.choose(&self.attributes).clone(),
            _ => random.choose(&self.fragments).clone(),
        }
    }

    fn soup(&self, depth: usize, random: &mut Random) -> Tokens {
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

    /// A function that `syn` takes for one, be it a routine or not.
    fn function(&self, random: &mut Random) -> Tokens {
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

    /// `form` with lifetimes and types in place of `L` and `X`.
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

    /// Changes `tokens` in one place, at any depth.
    fn mutate(&self, tokens: &mut Tokens, random: &mut Random) {
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

    /// The input with the seed `seed`.
    fn input(&self, seed: u64) -> Input {
        let random = &mut Random::new(seed);
        let raw = random.once_in(2);
        let (all_args, functions) = if raw {
            (&self.raw_args, &self.raw)
        } else {
            (&self.typed_args, &self.typed)
        };
        let mut args = random.choose(all_args).clone();
        let mut item = random.choose(functions).clone();
        match random.below(12) {
            0 => item = self.soup(3, random),
            1 => args = self.soup(1, random),
            2 => {
                for _ in 0..=random.below(3) {
                    self.mutate(&mut args, random);
                }
            }
            3..7 => {
                item = self.function(random);
                if random.once_in(8) {
                    self.mutate(&mut item, random);
                }
            }
            _ => {
                for _ in 0..=random.below(4) {
                    self.mutate(&mut item, random);
                }
                if random.once_in(8) {
                    self.mutate(&mut args, random);
                }
            }
        }
        Input::new(&self.places, args, item)
    }
}

/// `tokens` where some of what is between commas in a group is a fragment of a macro.
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

fn group(delimiter: Delimiter, content: Tokens) -> TokenTree {
    Group::new(delimiter, content.into_iter().collect()).into()
}

/// The line of what is not in the input.
const NOWHERE: usize = 1;

/// What the attribute is given, each token at a line of its own.
struct Input {
    args: TokenStream,
    args_lines: RangeInclusive<usize>,
    item: TokenStream,
    item_lines: RangeInclusive<usize>,
}

impl Input {
    fn new(places: &[Span], args: Tokens, item: Tokens) -> Self {
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

/// `tokens` at the places from `next` on, without empty groups that have no delimiters: in the compiler such a one stands
/// only for an empty visibility.
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

fn is_nothing(token: &TokenTree) -> bool {
    match token {
        TokenTree::Group(group) => {
            group.delimiter() == Delimiter::None
                && group.stream().into_iter().all(|token| is_nothing(&token))
        }
        _ => false,
    }
}

/// The text of `tokens` where `«…»` are the groups without delimiters.
fn text(tokens: &TokenStream) -> String {
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

// --- Judgement ---

/// How each message of the macro's own begins.
const ABOUT_ARGUMENTS: &[&str] = &[
    "`#[completion_routine]` knows the arguments",
    "the argument `",
    "`bindings` belongs to",
];
const ABOUT_ITEM: &[&str] = &[
    "IoAllocateIrpSignalEventInCompletion2: a completion routine returns `Signaled<'_>`",
    "`#[completion_routine]` belongs on a function",
    "`#[completion_routine]` is applied twice",
    "a completion routine cannot be `async`",
    "a completion routine cannot be variadic",
    "a completion routine cannot depend on a target feature",
    "a completion routine does not choose the lifetime of its IRP",
    "a completion routine has no `impl Trait` parameter",
    "a completion routine has no `where` clause",
    "a completion routine has no const parameter",
    "a completion routine has no type parameter",
    "a completion routine has one lifetime",
    "a completion routine has the same parameters in every configuration",
    "a completion routine is a free function without `self`",
    "a completion routine is called by the I/O manager",
    "a completion routine needs a body",
    "a completion routine takes exactly one parameter",
    "a typed completion routine has no symbol",
    "a typed completion routine has the Rust ABI",
    "a typed completion routine is a safe function",
    "an IO_COMPLETION_ROUTINE has exactly three parameters",
    "an IO_COMPLETION_ROUTINE has no lifetime parameter",
    "an IO_COMPLETION_ROUTINE is called with the convention of the kernel",
    "an IO_COMPLETION_ROUTINE returns NTSTATUS",
    "an IO_COMPLETION_ROUTINE trusts the pointers it is given",
    "the context of a completion routine holds no borrow",
    "the lifetime of the IRP that a completion routine completes has no bounds",
    "the proof of a completion routine belongs to the IRP",
    "the section `",
    "the section of a completion routine must be known to be resident",
    ABOUT_BODY,
];
const ABOUT_BODY: &str = "an attribute within a completion routine goes unchecked";

pub(super) struct Report {
    pub(super) message: String,
    pub(super) start: LineColumn,
    pub(super) end: LineColumn,
}

impl Report {
    fn begins_with(&self, beginnings: &[&str]) -> bool {
        beginnings
            .iter()
            .any(|beginning| self.message.starts_with(beginning))
    }
}

/// The `compile_error!`s in an expansion.
pub(super) fn reports(expansion: &TokenStream) -> Vec<Report> {
    let mut reports = Vec::new();
    let mut name: Option<Ident> = None;
    for token in expansion.clone() {
        match token {
            TokenTree::Ident(ident) => name = (ident == "compile_error").then_some(ident),
            TokenTree::Group(group) => {
                if let Some(name) = name.take() {
                    let message: LitStr = syn::parse2(group.stream()).expect("a literal");
                    reports.push(Report {
                        message: message.value(),
                        start: name.span().start(),
                        end: group.span_close().end(),
                    });
                }
            }
            _ => {}
        }
    }
    reports
}

/// `item` with nothing in its body, which is the compiler's to judge.
fn without_body(item: &TokenStream) -> TokenStream {
    let mut tokens: Tokens = item.clone().into_iter().collect();
    if let Some(TokenTree::Group(body)) = tokens.last_mut() {
        let content = match body.delimiter() {
            Delimiter::Brace => TokenStream::new(),
            Delimiter::None => without_body(&body.stream()),
            _ => return item.clone(),
        };
        let span = body.span();
        *body = Group::new(body.delimiter(), content);
        body.set_span(span);
    }
    tokens.into_iter().collect()
}

/// `tokens` where nothing is in a group without delimiters, which however separate an apostrophe from a name.
fn flat(tokens: &TokenStream) -> TokenStream {
    let mut flattened = TokenStream::new();
    let mut after_apostrophe = false;
    for token in tokens.clone() {
        let is_apostrophe = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == '\'');
        match token {
            TokenTree::Group(group)
                if group.delimiter() == Delimiter::None && !after_apostrophe =>
            {
                flattened.extend(flat(&group.stream()));
            }
            TokenTree::Group(group) => {
                let mut copy = Group::new(group.delimiter(), flat(&group.stream()));
                copy.set_span(group.span());
                flattened.extend([TokenTree::Group(copy)]);
            }
            token => flattened.extend([token]),
        }
        after_apostrophe = is_apostrophe;
    }
    flattened
}

/// What `syn` takes for a function, with or without a body.
struct Function {
    vis: Visibility,
    sig: Signature,
    has_body: bool,
}

fn function(item: &TokenStream) -> Option<Function> {
    if let Ok(syn::ItemFn { vis, sig, .. }) = syn::parse2(item.clone()) {
        return Some(Function {
            vis,
            sig,
            has_body: true,
        });
    }
    let syn::ForeignItemFn { vis, sig, .. } = syn::parse2(item.clone()).ok()?;
    // What `safe` is for is no function on its own.
    (!matches!(sig.safety, syn::Safety::Safe(_))).then_some(Function {
        vis,
        sig,
        has_body: false,
    })
}

/// Whether the parser may say `message` about `item`, which it does not take for a function.
fn is_of_parser(message: &str, item: &TokenStream) -> bool {
    let with_body = syn::parse2::<syn::ItemFn>(item.clone());
    let without_body = syn::parse2::<syn::ForeignItemFn>(item.clone());
    match (with_body, without_body) {
        (Err(first), Err(second)) => {
            // About a body, whose content is not the macro's to judge, or what follows it.
            message == "expected curly braces"
                || message.starts_with("unexpected token")
                || [first.to_string(), second.to_string()].contains(&message.to_owned())
        }
        _ => false,
    }
}

/// Panics unless the expansion of `input` is what it has to be.
fn judge(input: &Input) {
    let item = without_body(&input.item);
    let expansion = expand(input.args.clone(), item.clone());
    let reports = self::reports(&expansion);

    let function = function(&item);
    for report in &reports {
        judge_report(report, input, &item);
    }
    let Some(function) = function else {
        judge_foreign(&expansion, &item, &reports);
        return;
    };

    for (variant, what) in [
        (input.item.clone(), "the body"),
        (flat(&item), "groups without delimiters"),
    ] {
        if text(&variant) != text(&item) && self::function(&without_body(&variant)).is_some() {
            let mut found = messages(&expand(input.args.clone(), variant));
            // Only attributes at the beginning of the body are looked at.
            found.retain(|message| !message.starts_with(ABOUT_BODY));
            assert_eq!(found, messages(&expansion), "the reports depend on {what}");
        }
    }
    let items = match syn::parse2::<syn::File>(expansion.clone()) {
        Ok(file) => file.items.into_iter(),
        Err(error) => panic!("no items, {error}: {}", text(&expansion)),
    };
    let items: Vec<Item> = items
        .filter(|item| !matches!(item, Item::Macro(_)))
        .collect();
    if !reports.is_empty() {
        assert!(
            items.iter().any(|item| declares(item, &function)),
            "the function is not declared: {}",
            text(&expansion)
        );
        return;
    }
    assert!(function.has_body, "a function without a body is accepted");
    judge_accepted(&function.sig);
    let is_raw = input
        .args
        .to_string()
        .split(',')
        .any(|argument| argument.trim() == "raw");
    if is_raw {
        judge_raw(&items, &function);
    } else {
        judge_typed(&items, &function);
    }
}

fn judge_report(report: &Report, input: &Input, item: &TokenStream) {
    let message = &report.message;
    let (first, last) = (report.start.line, report.end.line);
    let lines = if report.begins_with(ABOUT_ARGUMENTS) {
        &input.args_lines
    } else {
        assert!(
            report.begins_with(ABOUT_ITEM) || is_of_parser(message, item),
            "a message of nobody's: {message}"
        );
        &input.item_lines
    };
    if first == NOWHERE && last == NOWHERE {
        // The parser misses something after the last token.
        assert!(
            item.is_empty() || is_of_parser(message, item),
            "without a place: {message}"
        );
    } else {
        assert!(
            first <= last && lines.contains(&first) && lines.contains(&last),
            "lines {first} to {last} instead of {lines:?}: {message}"
        );
    }
}

/// What is no function stays what it is, with an error before it.
fn judge_foreign(expansion: &TokenStream, item: &TokenStream, reports: &[Report]) {
    assert!(!reports.is_empty(), "no function, but no error");
    let mut tokens: Tokens = expansion.clone().into_iter().collect();
    let errors = tokens
        .len()
        .checked_sub(item.clone().into_iter().count())
        .expect("the item is kept");
    let kept: TokenStream = tokens.drain(errors..).collect();
    assert_eq!(text(&kept), text(item), "the item is kept");
    let errors: syn::File = syn::parse2(tokens.into_iter().collect()).expect("items");
    assert_eq!(errors.items.len(), reports.len());
}

/// Whether `item` has the name of `function`.
fn declares(item: &Item, function: &Function) -> bool {
    match item {
        Item::Struct(item) => item.ident == function.sig.ident,
        Item::Fn(item) => item.sig.ident == function.sig.ident,
        // A function without a body is no item of `syn`.
        Item::Verbatim(tokens) => {
            self::function(tokens).is_some_and(|found| found.sig.ident == function.sig.ident)
        }
        _ => false,
    }
}

/// What is no defect in neither form.
fn judge_accepted(sig: &Signature) {
    assert!(sig.constness.is_none() && sig.asyncness.is_none());
    assert!(sig.variadic.is_none() && sig.receiver().is_none());
    assert!(sig.generics.where_clause.is_none());
    assert!(matches!(sig.output, syn::ReturnType::Type(..)));
    for param in &sig.generics.params {
        assert!(matches!(param, syn::GenericParam::Lifetime(param) if param.bounds.is_empty()));
    }
}

fn judge_raw(items: &[Item], function: &Function) {
    let Item::Fn(found) = &items[0] else {
        panic!("no function first")
    };
    assert_eq!(
        text(&found.sig.to_token_stream()),
        text(&function.sig.to_token_stream())
    );
    assert!(matches!(found.sig.safety, syn::Safety::Unsafe(_)));
    assert!(found.sig.abi.is_some() && found.sig.generics.params.is_empty());
    assert_eq!(
        text(&found.vis.to_token_stream()),
        text(&function.vis.to_token_stream())
    );
    assert_eq!(
        items.len(),
        5,
        "three parameters and the result are checked"
    );
    assert!(items[1..].iter().all(|item| matches!(item, Item::Const(_))));
}

fn judge_typed(items: &[Item], function: &Function) {
    let sig = &function.sig;
    assert!(matches!(sig.safety, syn::Safety::Default) && sig.abi.is_none());
    assert!(sig.inputs.len() == 1 && sig.generics.params.len() <= 1);
    let name = &sig.ident;
    let Item::Struct(value) = &items[0] else {
        panic!("no struct first")
    };
    assert_eq!(value.ident, *name);
    assert_eq!(
        text(&value.vis.to_token_stream()),
        text(&function.vis.to_token_stream())
    );
    let traits = items[1..].iter().map(|item| match item {
        Item::Impl(item) => {
            assert_eq!(item.self_ty.to_token_stream().to_string(), name.to_string());
            let path = &item.trait_.as_ref().expect("a trait").0;
            path.segments.last().expect("a name").ident.to_string()
        }
        _ => panic!("only implementations follow"),
    });
    assert!(traits.eq(["Copy", "Clone", "Debug", "CompletionRoutine"]));
    let Item::Impl(routine) = &items[4] else {
        unreachable!("it is an implementation")
    };
    assert!(
        matches!(
            &routine.items[..],
            [syn::ImplItem::Type(_), syn::ImplItem::Fn(_)]
        ),
        "the context type and the method"
    );
}

/// Judges, and says which input it was if that fails.
fn check(input: &Input, what: &str) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| judge(input))) {
        eprintln!(
            "{what}\n  arguments: {}\n  item: {}",
            text(&input.args),
            text(&input.item)
        );
        resume_unwind(panic);
    }
}

fn variable(name: &str, default: u64) -> u64 {
    let Ok(text) = std::env::var(name) else {
        return default;
    };
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    }
    .unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn generated_input() {
    let material = Material::new();
    let first = variable("WDM_IRP_FUZZ_SEED", SEED);
    for number in 0..variable("WDM_IRP_FUZZ_INPUTS", INPUTS) {
        let seed = first.wrapping_add(number);
        check(
            &material.input(seed),
            &format!("WDM_IRP_FUZZ_SEED={seed:#x} WDM_IRP_FUZZ_INPUTS=1"),
        );
    }
}

#[test]
fn what_is_mutated_is_valid() {
    let material = Material::new();
    for (all_args, functions) in [
        (&material.typed_args, &material.typed),
        (&material.raw_args, &material.raw),
    ] {
        for args in all_args {
            for item in functions {
                let input = Input::new(&material.places, args.clone(), item.clone());
                check(&input, "valid input");
                let expansion = expand(input.args.clone(), input.item.clone());
                assert_eq!(messages(&expansion), [""; 0], "{}", text(&input.item));
            }
        }
    }
}

// --- What it found ---

/// `text` where the group after each `frag!` is one without delimiters.
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

/// Judges the input and compares how its messages begin, and which token of the item, counted from 0, each is about.
fn assert_found(args: &str, item: &str, expected: &[(&str, usize)]) {
    let material = Material::new();
    let item = with_groups(item.parse().expect("tokens"));
    let input = Input::new(&material.places, parse(args), item);
    check(&input, "a finding");
    let reports = reports(&expand(input.args.clone(), input.item.clone()));
    let first = *input.item_lines.start();
    assert_eq!(reports.len(), expected.len());
    for (report, (beginning, token)) in reports.iter().zip(expected) {
        assert!(report.begins_with(&[beginning]), "{}", report.message);
        assert_eq!(report.start.line, first + token, "{}", report.message);
    }
}

#[test]
fn the_body_may_be_a_fragment() {
    assert_found(
        "",
        "fn done(irp: Completing<'_, A>) -> Signaled<'_> frag!({ loop {} })",
        &[],
    );
    assert_found(
        "raw",
        "unsafe extern \"C\" fn done(d: D, i: I, c: C) -> NTSTATUS frag!(frag!({ 0 }))",
        &[],
    );
}

#[test]
fn what_is_in_other_delimiters_is_no_body() {
    for item in ["fn done() [ ]", "fn done() ( )", "fn done() frag!({ } ;)"] {
        assert_found("", item, &[("expected curly braces", 4)]);
    }
}

#[test]
fn attributes_of_nothing_are_the_place_of_the_error() {
    let expected = "`#[completion_routine]` belongs on a function";
    assert_found("", "#[cfg(a)]", &[(expected, 0)]);
    assert_found("", "pub(crate)", &[(expected, 0)]);
}

#[test]
fn an_empty_where_clause_has_a_place() {
    assert_found(
        "raw",
        "unsafe extern \"C\" fn done(d: D, i: I, c: C) -> NTSTATUS where { 0 }",
        &[("a completion routine has no `where` clause", 21)],
    );
}

#[test]
fn attributes_may_be_fragments() {
    let function = "fn done(irp: Completing<'_, A>) -> Signaled<'_> { loop {} }";
    for attribute in [
        "#[cfg_attr(a, frag!(unsafe(link_section = \"PAGE\")))]",
        "#[cfg_attr(a, unsafe(frag!(link_section = \"PAGE\")))]",
        "#[frag!(cfg_attr(a, frag!(frag!(link_section) = frag!(\"PAGE\"))))]",
    ] {
        let item = format!("{attribute} {function}");
        let material = Material::new();
        let input = Input::new(
            &material.places,
            Tokens::new(),
            with_groups(item.parse().expect("tokens")),
        );
        check(&input, "a finding");
        let messages = messages(&expand(input.args, input.item));
        assert!(matches!(&messages[..], [message] if message.starts_with("the section `PAGE`")));
    }
}

#[test]
fn expected_lints_may_be_fragments() {
    let item = "#[expect(frag!(dead_code), unused_mut)] fn done(irp: Completing<'_, A>) -> Signaled<'_> { loop {} }";
    let item = with_groups(item.parse().expect("tokens"));
    let expansion = expand(TokenStream::new(), item.into_iter().collect());
    let Item::Struct(value) = &super::items(expansion)[0] else {
        panic!("no struct first")
    };
    assert_eq!(
        text(&value.attrs[0].to_token_stream()),
        "# [expect (« dead_code » ) ] "
    );
}

#[test]
fn a_result_that_never_is_may_be_a_fragment() {
    assert_found(
        "",
        "fn done(irp: Completing<'_, A>) -> frag!(!) { loop {} }",
        &[("IoAllocateIrpSignalEventInCompletion2", 16)],
    );
}

#[test]
fn a_raw_routine_does_not_hide_its_result() {
    assert_found(
        "raw",
        "unsafe extern \"C\" fn done(d: D, i: I, c: C) -> impl Copy { 0 }",
        &[("an IO_COMPLETION_ROUTINE returns NTSTATUS", 20)],
    );
}

#[test]
fn a_raw_parameter_may_end_with_a_plus() {
    assert_found(
        "raw",
        "unsafe extern \"C\" fn done(d: dyn D +, i: I, c: C) -> NTSTATUS { 0 }",
        &[],
    );
}
