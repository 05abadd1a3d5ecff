//! Tries to hide a borrow of the IRP's lifetime in the context behind an alias.

use wdm_irp::{Completing, Signaled, completion_routine};

type Lent<'a> = Completing<'a, Option<&'a u8>>;

#[completion_routine]
fn read_done<'irp>(irp: Lent<'irp>) -> Signaled<'irp> {
    irp.signal_if_pended()
}

fn main() {}
