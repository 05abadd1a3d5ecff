//! A routine written by hand that takes one lifetime for another: its token would be good forevery invocation.
use wdm_irp::routine::CompletionRoutine;
use wdm_irp::{Completing, Signaled};

struct Kept;

impl CompletionRoutine for Kept {
    type Context = ();
    fn complete(irp: Completing<'_, ()>) -> Signaled<'static> {
        irp.signal_if_pended()
    }
}

struct Named<'irp>(Option<Signaled<'irp>>);

impl<'irp> CompletionRoutine for Named<'irp> {
    type Context = ();
    fn complete(irp: Completing<'irp, ()>) -> Signaled<'irp> {
        irp.signal_if_pended()
    }
}

fn main() {}
