//! Lets another thread read the IRP, finish with it, or return the token.
use wdm_irp::{Completing, Signaled, completion_routine};

#[completion_routine]
fn reads(irp: Completing<'_, ()>) -> Signaled<'_> {
    std::thread::scope(|scope| drop(scope.spawn(|| irp.information())));
    irp.signal_if_pended()
}

#[completion_routine]
fn finishes(irp: Completing<'_, ()>) -> Signaled<'_> {
    std::thread::scope(|scope| scope.spawn(move || drop(irp.signal_if_pended())).join().unwrap());
    unreachable!()
}

#[completion_routine]
fn returns(irp: Completing<'_, ()>) -> Signaled<'_> {
    let token = irp.signal_if_pended();
    std::thread::scope(|scope| scope.spawn(|| token).join().unwrap())
}

fn main() {}
