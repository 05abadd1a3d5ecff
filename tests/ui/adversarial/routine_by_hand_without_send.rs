//! Tries to implement a generic routine whose context must stay on its thread.

use core::marker::PhantomData;

use wdm_irp::routine::CompletionRoutine;
use wdm_irp::{Completing, Signaled};

struct Keep<T>(PhantomData<T>);

impl<T: 'static> CompletionRoutine for Keep<T> {
    type Context = T;

    fn complete(irp: Completing<'_, T>) -> Signaled<'_> {
        irp.signal_if_pended()
    }
}

fn main() {}
