//! Two routines whose types are subtypes of each other and whose contexts have nothing in common: sends with one, and
//! lets the other one look at the context.
use std::marker::PhantomData;
use wdm_irp::in_flight::Slot;
use wdm_irp::request::{Read, Request};
use wdm_irp::routine::CompletionRoutine;
use wdm_irp::{Completed, Completing, Signaled, TargetDevice};

struct Routine<F>(PhantomData<F>);
type Longer = for<'a> fn(&'a u8);
type Shorter = fn(&'static u8);

#[allow(coherence_leak_check)]
impl CompletionRoutine for Routine<Longer> {
    type Context = usize;
    fn complete(irp: Completing<'_, usize>) -> Signaled<'_> {
        irp.signal_if_pended()
    }
}

#[allow(coherence_leak_check)]
impl CompletionRoutine for Routine<Shorter> {
    type Context = Box<u8>;
    fn complete(irp: Completing<'_, Box<u8>>) -> Signaled<'_> {
        irp.signal_if_pended()
    }
}

type Reading<'d, F> = Request<&'d TargetDevice, Read, [u8; 8], Routine<F>>;

fn request(request: Reading<'_, Longer>) -> Reading<'_, Shorter> {
    request
}

fn slot(slot: &'static Slot<Routine<Longer>, [u8; 8]>) -> &'static Slot<Routine<Shorter>, [u8; 8]> {
    slot
}

fn completed(completed: Completed<Routine<Longer>, [u8; 8]>) -> Completed<Routine<Shorter>, [u8; 8]> {
    completed
}

fn main() {}
