//! Typed routines in every place and spelling, without a warning.
#![no_std]
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs, unreachable_pub, clippy::pedantic)]
#![deny(elided_lifetimes_in_paths, missing_debug_implementations)]

extern crate std;

use wdm_irp::PendingReturned::{Inline, Pended};
use wdm_irp::routine::CompletionRoutine;
use wdm_irp::{Completing, Signaled, completion_routine};

/// A context.
#[derive(Default)]
#[derive(Debug)]
pub struct Stats(u32);

type Irp<'a> = Completing<'a, Stats>;
use wdm_irp::Signaled as Proof;

/// Counts.
#[completion_routine]
pub fn read_done(irp: Completing<'_, Stats>) -> Signaled<'_> {
    let _ = irp.context().0;
    match irp.pending_returned() {
        Pended(irp) => irp.signal(),
        Inline(irp) => irp.finish(),
    }
}

#[completion_routine]
#[inline(never)]
#[must_use = "by the library"]
pub(crate) fn by_alias(mut irp: Irp<'_>) -> Proof<'_> {
    irp.context_mut().0 += 1;
    irp.signal_if_pended()
}

#[completion_routine(crate = ::wdm_irp)]
fn by_path<'irp>(irp: wdm_irp::Completing<'irp, &'static str>) -> wdm_irp::Signaled<'irp> {
    irp.signal_if_pended()
}

#[completion_routine()]
#[allow(clippy::needless_pass_by_value)]
#[cfg_attr(all(), doc = "Documented on some targets.", allow(clippy::todo))]
fn r#match(irp: Completing<'_, fn(&u8) -> u8>) -> Signaled<'_> {
    // The name is the value's within its own body.
    let again = r#match;
    let _: <r#match as CompletionRoutine>::Context = core::convert::identity(*irp.context());
    let _ = again;
    irp.signal_if_pended()
}

#[completion_routine]
#[cfg(any())]
fn configured_out(irp: Missing) -> Missing {
    irp
}

#[completion_routine]
#[expect(missing_docs, unused_variables, reason = "one lint is about the name, one about the code")]
pub fn expectations(irp: Completing<'_, ()>) -> Signaled<'_> {
    let unused = 0;
    irp.signal_if_pended()
}

#[completion_routine]
#[deprecated]
#[allow(dead_code)]
fn old(irp: Completing<'_, ()>) -> Signaled<'_> {
    irp.signal_if_pended()
}

/// Made by another macro.
macro_rules! routine {
    ($name:ident, $ty:ty) => {
        #[completion_routine(crate = $crate::irp)]
        fn $name(irp: $crate::irp::Completing<'_, $ty>) -> $crate::irp::Signaled<'_> {
            irp.signal_if_pended()
        }
    };
}
use wdm_irp as irp;
routine!(by_macro, [u8; 4]);

mod inner {
    use super::{Completing, Signaled, completion_routine};

    #[completion_routine]
    pub(super) fn nested(irp: Completing<'_, Local>) -> Signaled<'_> {
        irp.signal_if_pended()
    }

    pub(super) struct Local;
}

fn accepts<R: CompletionRoutine + Copy + core::fmt::Debug>(_: R, _: R::Context) {}

fn main() {
    struct InFunction;

    #[completion_routine]
    fn in_function(irp: Completing<'_, InFunction>) -> Signaled<'_> {
        irp.signal_if_pended()
    }

    accepts(read_done, Stats::default());
    accepts(by_alias, Stats::default());
    accepts(by_path, "");
    accepts(r#match, |byte| *byte);
    accepts(by_macro, [0; 4]);
    accepts(inner::nested, inner::Local);
    accepts(in_function, InFunction);
    assert_eq!(std::format!("{read_done:?} {match:?}"), "read_done match");
}
