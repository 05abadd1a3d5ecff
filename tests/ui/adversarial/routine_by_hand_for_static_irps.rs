//! Tries to implement a routine for IRPs that live forever, whose tokens could be kept.

use wdm_irp::routine::CompletionRoutine;
use wdm_irp::{Completing, Signaled};

struct Keeps;

impl CompletionRoutine for Keeps {
    type Context = ();

    fn complete(irp: Completing<'static, ()>) -> Signaled<'static> {
        irp.signal_if_pended()
    }
}

fn main() {}
