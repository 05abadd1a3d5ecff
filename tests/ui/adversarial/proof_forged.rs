//! Tries to make a proof without a look at the IRQL.

use core::marker::PhantomData;

use wdm_irp::PassiveLevel;

fn main() {
    let _ = PassiveLevel(PhantomData);
}
