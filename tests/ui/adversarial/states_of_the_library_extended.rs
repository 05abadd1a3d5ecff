//! Implements traits of the library for types of the library, so that a pended IRP may be finished without a signal, and a
//! proof for one level stands for another.
use wdm_irp::irql::{AtMostApc, DispatchLevel};
use wdm_irp::routine::{IsInline, IsPended, MayFinish, MaySignal};
use wdm_irp::{Completing, Signaled};

impl MayFinish for IsPended {}
impl MaySignal for IsInline {}
impl AtMostApc for DispatchLevel {}
impl<'irp> From<Completing<'irp, ()>> for Signaled<'irp> {
    fn from(irp: Completing<'irp, ()>) -> Self {
        irp.signal_if_pended()
    }
}

fn main() {}
