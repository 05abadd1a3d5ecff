//! Keeps a token for the next invocation.
use std::cell::RefCell;
use wdm_irp::{Completing, Signaled, completion_routine};

thread_local! {
    static KEPT: RefCell<Option<Signaled<'static>>> = const { RefCell::new(None) };
}

#[completion_routine]
fn read_done(irp: Completing<'_, ()>) -> Signaled<'_> {
    let token = irp.signal_if_pended();
    KEPT.with_borrow_mut(|kept| kept.replace(token)).unwrap()
}

fn main() {}
