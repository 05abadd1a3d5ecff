//! Lists the texts that inputs are made of.

use proc_macro2::Delimiter;

/// Lists typed routines without a defect.
pub(super) const TYPED: [&str; 14] = [
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

/// Lists raw routines without a defect.
pub(super) const RAW: [&str; 8] = [
    "unsafe extern \"system\" fn done(d: *mut DEVICE_OBJECT, i: *mut IRP, c: *mut c_void) -> NTSTATUS { 0 }",
    "pub unsafe extern \"C\" fn done(_: PDEVICE_OBJECT, mut i: PIRP, _c: PVOID,) -> NTSTATUS { STATUS_SUCCESS }",
    "#[unsafe(no_mangle)] pub unsafe extern fn Done(d: PDEVICE_OBJECT, i: PIRP, c: PVOID) -> wdk_sys::NTSTATUS { 0 }",
    "#[cfg(a)] #[cfg_attr(b, cfg(c), unsafe(link_section = \".text\"))] unsafe extern \"system\" fn done(d: D, i: I, c: C) -> i32 { 0 }",
    "#[unsafe(export_name = \"x\")] pub(super) unsafe extern r\"system\" fn r#fn(d: D, i: I, c: C) -> i32 { unsafe { *c.cast() } }",
    "unsafe extern \"system\" fn done(d: *mut <A as B>::D, i: [I; 1], (a, b): (C, D)) -> <A as B>::E { loop {} }",
    "unsafe extern \"system\" fn done(d: &mut D, i: fn(I) -> I, c: *const [C]) -> ! { loop {} }",
    "#[doc = \"Text.\"] #[inline] unsafe extern \"system\" fn done(#[allow(x)] d: D, i: I, c: !) -> NTSTATUS { 0 }",
];

/// Lists arguments of typed routines without a defect.
pub(super) const TYPED_ARGS: [&str; 4] = ["", "crate = ::a::b,", "crate = crate", "crate = r#try"];

/// Lists arguments of raw routines without a defect.
pub(super) const RAW_ARGS: [&str; 4] = [
    "raw",
    "raw,",
    "raw, bindings = wdk_sys",
    "crate = super::a, raw, bindings = ::a::b::c,",
];

/// Lists what is inserted besides single tokens, one a line.
pub(super) const FRAGMENTS: &str = "
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

/// Lists attributes, most of them a defect or next to one.
pub(super) const ATTRIBUTES: &str = "
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

/// Lists the forms of each part of a function, one a line, in the order of the parts.
///
/// A line may be empty. `L` stands for the name of a lifetime and `X` for a type.
pub(super) const PARTS: [&str; 9] = [
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

/// Lists the forms of a type, with `L` and `X` in them.
pub(super) const TYPES: &str = "
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

/// Lists words: keywords, raw identifiers, and names that mean something to the macro.
pub(super) const WORDS: &str = "\
    as async await box break const continue crate default do dyn else enum extern false final fn \
    for gen if impl in let loop macro match mod move mut pub raw ref return safe self Self static \
    struct super trait true try type union unsafe use virtual where while yield _ r#fn r#raw r#try \
    r#static a b done irp T N Completing Signaled NTSTATUS bindings link_section cfg cfg_attr \
    completion_routine größe";

/// Lists literals of every kind.
pub(super) const LITERALS: &str = "\
    0 1u8 0xFF_usize 0b1 1.5 1e3f64 2f32 340282366920938463463374607431768211455u128 'c' '\\'' \
    b'x' \"system\" \"C\" \"PAGE\" \"INIT$a\" \"\" \"\\u{1F600}\\n\" r\"raw\" r#\"C\"# b\"bytes\" \
    br#\"\"# c\"c\" cr\"c\"";

/// Lists the characters of punctuation.
pub(super) const PUNCTUATION: &[u8] = b"=<>!~+-*/%^&|@.,;:#$?'";

/// Lists the delimiters of groups.
pub(super) const DELIMITERS: [Delimiter; 4] = [
    Delimiter::Parenthesis,
    Delimiter::Brace,
    Delimiter::Bracket,
    Delimiter::None,
];
