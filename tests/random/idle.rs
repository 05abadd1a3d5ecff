//! IRPs that have come back, and wait for their next request.

use std::sync::Mutex;

use wdm_irp::in_flight::{NotReusable, Reusable};
use wdm_irp::routine::CompletionRoutine;
use wdm_irp::target::Target;
use wdm_irp::{Completed, Irp};
use wdm_irp_tests::Pair;

use crate::shared::lock;
use crate::slots::{Locked, Reached};

/// The IRPs of one stack, by what they are for.
#[derive(Debug, Default)]
pub(crate) struct Idle {
    pub(crate) device: Mutex<Vec<Irp<wdm_irp_tests::Target>>>,
    pub(crate) pair: Mutex<Vec<Irp<Pair>>>,
    pub(crate) locked: Mutex<Vec<Irp<Locked>>>,
}

/// Targets whose IRPs can be kept: all but borrowed ones, whose IRPs are freed.
pub(crate) trait Kept: Target + Sized {
    /// Whether its requests get every routine there is, or the one that can do what all do: each
    /// routine is compiled for each target, buffer and kind of request.
    const GETS_EVERY_ROUTINE: bool;

    fn keep(irp: Irp<Self>, idle: &Idle);
}

macro_rules! kept {
    ($($type:ty: $gets_every_routine:literal;)*) => {$(
        impl Kept for $type {
            const GETS_EVERY_ROUTINE: bool = $gets_every_routine;

            fn keep(irp: Irp<Self>, idle: &Idle) {
                lock(Self::idle(idle)).push(irp);
            }
        }
    )*};
}

kept! {
    wdm_irp_tests::Target: true;
    Pair: false;
    Locked: false;
}

impl<T: Reached> Kept for &T {
    const GETS_EVERY_ROUTINE: bool = false;

    fn keep(irp: Irp<Self>, _: &Idle) {
        drop(irp);
    }
}

/// Whether a completed request gives its IRP back.
pub(crate) trait TakeBack<T>: Sized {
    /// Takes a completed request apart, and keeps its IRP if it can be used again.
    fn take_back<R: CompletionRoutine, B>(
        completed: Completed<R, B, T, Self>,
        idle: &Idle,
    ) -> (B, R::Context);
}

impl<T: Kept> TakeBack<T> for Reusable {
    fn take_back<R: CompletionRoutine, B>(
        completed: Completed<R, B, T, Self>,
        idle: &Idle,
    ) -> (B, R::Context) {
        let (irp, buffer, context) = completed.reuse();
        T::keep(irp, idle);
        (buffer, context)
    }
}

impl<T> TakeBack<T> for NotReusable {
    fn take_back<R: CompletionRoutine, B>(
        completed: Completed<R, B, T, Self>,
        _: &Idle,
    ) -> (B, R::Context) {
        completed.into_parts()
    }
}
