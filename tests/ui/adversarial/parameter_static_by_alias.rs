//! Tries to hide the choice of the lifetime behind an alias.

use wdm_irp::{Completing, Signaled, completion_routine};

type Forever = Completing<'static, ()>;
type Token = Signaled<'static>;

#[completion_routine]
fn read_done(irp: Forever) -> Token {
    irp.signal_if_pended()
}

fn main() {}
