//! Swaps the tokens of two IRPs.
use wdm_irp::{Completing, Signaled};

fn swapped<'a, 'b>(one: Completing<'a, ()>, other: Completing<'b, ()>) -> (Signaled<'a>, Signaled<'b>) {
    let mut first = one.signal_if_pended();
    let mut second = other.signal_if_pended();
    std::mem::swap(&mut first, &mut second);
    (first, second)
}

fn main() {}
